import Devices
import Foundation
import NWB
import Samples

/// Why an output cannot be played as the session asks.
struct OutputError: Error, CustomStringConvertible {
  let output: String
  let message: String

  var description: String { "output \(output): \(message)" }
}

/// A waveform that a circuit plays during a session.
struct OutputPlan: Sendable {
  var name: String
  var request: BufferRequest
  var mode: OutputSettings.Mode
  /// Fired once, when everything is ready; nil: the circuit plays by itself.
  var trigger: Trigger?
  /// The `.wav` or `.npy` file.
  var source: String
  /// The number of the output in the session.
  var number: Int

  init(_ settings: OutputSettings, number: Int) {
    name = settings.name
    request = settings.request
    mode = settings.mode
    trigger = settings.trigger
    source = settings.source
    self.number = number
  }

  /// The waveform, [frame, channel], and the frames a second that it was made for; nil: any.
  func waveform() throws(OutputError) -> (samples: [Float], rate: Double?) {
    do {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
      if source.hasNumpySuffix { return (try NumpyArray(parsing: bytes).floats, nil) }
      let sound = try WaveFile(parsing: bytes)
      return (sound.samples, sound.rate)
    } catch {
      throw OutputError(output: name, message: "the source \(source) cannot be read: \(error)")
    }
  }
}
