import Devices
import Foundation
import NWB
import Samples

/// A waveform that a circuit plays during a session.
struct OutputPlan: Sendable {
  var name: String
  var request: BufferRequest
  var mode: OutputSettings.Mode
  /// Fired once, when everything is ready; nil: the circuit plays by itself.
  var trigger: Trigger?
  /// The `.wav` or `.npy` file.
  var source: String

  init(_ settings: OutputSettings) {
    name = settings.name
    request = settings.request
    mode = settings.mode
    trigger = settings.trigger
    source = settings.source
  }

  /// The waveform, [frame, channel].
  func waveform() throws -> [Float] {
    do {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
      return source.lowercased().hasSuffix(".npy")
        ? try NumpyArray(parsing: bytes).floats : try WaveFile(parsing: bytes).samples
    } catch {
      throw BufferError(
        buffer: name, kind: .badSize, message: "the source \(source) cannot be read: \(error)")
    }
  }
}
