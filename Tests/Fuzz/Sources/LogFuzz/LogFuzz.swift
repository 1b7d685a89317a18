import Foundation

/// The entry point under the name that SwiftPM gives to an executable's; libFuzzer does the rest.
@_cdecl("log_fuzz_main")
func entry(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    if let folder = ProcessInfo.processInfo.environment["COUNTERSIGN_FUZZ_SEEDS"] {
        writeSeeds(to: URL(fileURLWithPath: folder))
    }
    var (count, arguments) = unsafe (count, arguments)
    return unsafe runDriver(&count, &arguments, testOneInput)
}

/// `LLVMFuzzerRunDriver` of libFuzzer: runs the callback with one input after the other.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt,
) -> CInt

/// Judges one input; a trap is what libFuzzer looks for, and this name.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    if let violation = LogProperty.violation(by: input) {
        preconditionFailure("log-fuzz: \(violation)")
    }
    return 0
}

/// Writes the samples, where the mutations start.
private func writeSeeds(to folder: URL) {
    for (number, seed) in LogSamples.seeds.enumerated() {
        let file = folder.appendingPathComponent("seed-\(number)")
        do {
            try Data(seed).write(to: file)
        } catch {
            preconditionFailure("log-fuzz: cannot write \(file.path): \(error)")
        }
    }
}
