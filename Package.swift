// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// What each may import; nothing imports back (README, "Layers").
let layers: [(name: String, imports: [Target.Dependency], isTestedOnSimulator: Bool)] = [
  ("Samples", ["CUnpack"], false),
  ("Clocks", ["CLinux"], false),
  ("HDF5", ["CHDF5"], false),
  ("NWB", ["HDF5", "Samples", "CLinux"], false),
  ("Devices", ["Samples", "Clocks"], true),
  ("Simulator", ["Devices", "Samples", "Clocks"], false),
  ("Bridge", ["Devices", "Samples", "Clocks", "CLinux"], true),
  ("Recording", ["NWB", "Devices", "Clocks", "Samples", "CLinux"], true),
]

let package = Package(
  name: "daqrec",
  products: [
    .executable(name: "daqrec", targets: ["daqrec"]),
    .library(
      name: "DaqrecDevices", targets: ["Devices", "Simulator", "Bridge", "Clocks", "Samples"]),
  ],
  targets: [
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5-serial",
      providers: [.apt(["libhdf5-dev", "pkg-config"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CUnpack"),
  ]
    + layers.map {
      .target(name: $0.name, dependencies: $0.imports, swiftSettings: settings)
    }
    + layers.map {
      .testTarget(
        name: "\($0.name)Tests",
        dependencies: [.init(stringLiteral: $0.name)] + $0.imports
          + ($0.isTestedOnSimulator ? ["Simulator"] : []),
        swiftSettings: settings)
    }
    + [
      .executableTarget(
        name: "daqrec",
        dependencies: [
          "Recording", "NWB", "Devices", "Simulator", "Bridge", "Clocks", "Samples", "CLinux",
        ],
        swiftSettings: settings),
      .executableTarget(
        name: "daqrec-bench",
        dependencies: ["Recording", "NWB", "HDF5", "Devices", "Simulator", "Clocks", "Samples"],
        swiftSettings: settings),
    ],
)
