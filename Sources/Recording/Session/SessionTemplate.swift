/// The session that `daqrec init` writes: runs as it is on the simulator.
public enum SessionTemplate {
  public static let fileName = "session.json5"

  public static let text = #"""
    // A session for daqrec: sixteen channels of LFP, and what electrical pulses evoke in them.
    // It runs as it is, on the simulator:  daqrec record session.json5
    // What is left out has a default; everything that is possible: README, "Session file".
    {
      session: {
        id: "demo-icms",
        description: "Evoked LFP to cortical microstimulation, simulated",
        // experimenter: ["Last, First"], lab: "…", institution: "…", keywords: ["icms"],
        subject: { id: "sim1", species: "Mus musculus", sex: "U", age: "P90D" },
      },

      file: {
        path: "{id}_{date}_{time}.nwb.h5",  // never overwrites; a new name for each run
        flush_s: 1.0,                       // readers see a sample at most so much later
        sync_s: 5.0,                        // a power cut costs at most so much more
      },

      circuits: [{
        name: "rz",
        driver: "simulator",                // a real one: driver: "bridge" and its command
        // command: ["ssh", "-T", "-oBatchMode=yes", "rig",
        //           "python", "-u", "-m", "daqrec_bridge", "--device", "tdt"],
        model: "RZ2", latch_trigger: 1,
        simulate: {                         // only for driver: "simulator"
          rate: 24414.0625, ppm: 20, latency: "optical",
          speed: 1,                         // 10: ten times as fast; "max": as fast as can be
          seed: 1,
          stores: {
            lfp: { dec: 20, sf: 10 },       // 1220.7 Hz in steps of 0.1 (microvolts, see gain)
            sync: { dec: 2 },               // 12207 Hz
          },
          signals: {
            lfp: { sum: [
              { noise: { deviation: 20, correlation: 0.9 } },
              { sine: { amplitude: 30, frequency: 7, phase_step: 0.02 } },
              { evoked: { channel: 0, gain: 5000, latency_ms: 3, time_constant_ms: 6 } },
            ] },
            sync: { sync: { output: 0, level: 1000 } },
          },
        },
      }],

      buffers: [
        {
          name: "lfp", circuit: "rz", channels: 16,
          src_type: "int16", dest_type: "float32",
          gain: 1e-6,                       // volts = code / sf * gain
          electrodes: { location: "SSp", group: "probe1" },
        },
        // One channel records the stimulator's sync output: onsets to within a tick.
        { name: "sync", circuit: "rz", channels: 1, src_type: "int16", dest_type: "int16" },
      ],

      stimulator: {
        name: "stg",
        driver: "simulator",
        limits: [{ channels: [0], max_mA: 0.2, max_charge_nC: 40 }],   // a real one needs them
        sync: { output: 0, buffer: "sync", channel: 0 },
        simulate: { ppm: -30 },
      },

      stimulus: {
        start_after_s: 2.0,
        protocol: {
          conditions: [
            {
              name: "low", channel: 0, repeat: 1, columns: { level_mA: 0.05 },
              pulse: { intensity_in_mA: 0.05, pulsewidth_in_ms: 0.2, isi_in_ms: 49.6 },
            },
            {
              name: "high", channel: 0, repeat: 1, columns: { level_mA: 0.1 },
              pulse: { intensity_in_mA: 0.1, pulsewidth_in_ms: 0.2, isi_in_ms: 49.6 },
            },
          ],
          repeats: 20, isi_s: { uniform: [0.8, 1.2] }, order: "shuffled", seed: 7,
        },
      },

      run: { duration_s: 60 },              // leave out: until stopped (Ctrl-C)
    }

    """#
}
