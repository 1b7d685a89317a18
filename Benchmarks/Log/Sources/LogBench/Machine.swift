import CountersignCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The machine's clock, as the product reads it.
struct SystemClock: WallClock {
    /// The present moment.
    func time() -> Timestamp {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
    }
}

extension Chance {
    /// The operating system's random numbers, as the product draws them.
    static let system = Chance {
        var words: (UInt64, UInt64) = (0, 0)
        let result = unsafe withUnsafeMutableBytes(of: &words) { unsafe getentropy($0.baseAddress, 16) }
        precondition(result == 0, "the operating system gives no random numbers")
        return words
    }
}

/// Nanoseconds of a clock that never goes back.
func nanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
}

/// User and system time of this process, in nanoseconds.
func processorTime() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
}

/// A number of `/proc/self/…`, where there is one: `VmRSS` of `status` in KiB, `wchar` of `io` in bytes.
func processNumber(_ name: String, in file: String) -> Int? {
    let descriptor = unsafe open("/proc/self/\(file)", O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
        return Int(line.dropFirst(name.count + 1).drop { $0 == " " || $0 == "\t" }.prefix { $0.isNumber })
    }
    return nil
}

/// Times of single operations, in nanoseconds.
struct Times {
    private(set) var all: [Int]

    /// Sorts what was measured.
    init(_ times: [Int]) { all = times.sorted() }

    /// A percentile in milliseconds.
    func percentile(_ percent: Double) -> Double {
        guard !all.isEmpty else { return 0 }
        let index = min(all.count - 1, Int((percent / 100 * Double(all.count)).rounded(.down)))
        return Double(all[index]) / 1_000_000
    }

    /// `"p50": …, "p99": …, "max": …` in milliseconds.
    var json: String {
        "\"p50\": \(percentile(50)), \"p90\": \(percentile(90)), \"p99\": \(percentile(99)), \"max\": \(percentile(100))"
    }
}
