// log-bench FOLDER floor BYTES SECONDS append|overwrite   fdatasync alone
// log-bench FOLDER write WRITERS SECONDS                  durable entries and their latency
// log-bench FOLDER receipt RATE COUNT                     action to receipt, while others write RATE entries a second
// log-bench FOLDER grow ENTRIES…                          memory when the log has that many entries; again after a restart
// log-bench FOLDER run COUNT                              COUNT entries by 256 writers and nothing else, for callgrind
//
// Each prints lines of JSON. FOLDER is where the ledger is; it is made if there is none.
import CountersignCore
import CountersignStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

let arguments = CommandLine.arguments
guard arguments.count > 3, let number = Int(arguments[3]) else {
    print("usage: log-bench FOLDER floor|write|receipt|grow|run NUMBER…")
    exit(2)
}
let folder = arguments[1]
let second = arguments.count > 4 ? Int(arguments[4]) ?? 0 : 0

func memory(_ what: String, _ ledger: SQLiteLedger) {
    let resident = processNumber("VmRSS", in: "status") ?? 0
    let highest = processNumber("VmHWM", in: "status") ?? 0
    print(
        "{\"when\": \"\(what)\", \"entries\": \(ledger.growth.size), \"rss_kib\": \(resident), \"hwm_kib\": \(highest)}"
    )
}

if arguments[2] == "floor" {
    print(floorTimes(folder: folder, bytes: number, seconds: second, isOverwriting: arguments.last == "overwrite"))
    exit(0)
}
guard let key = PayloadKey(bytes: [UInt8](repeating: 7, count: PayloadKey.byteCount)) else { exit(2) }
let sealer = PayloadSealer(key: key)
let begin = nanoseconds()
let ledger = try SQLiteLedger(path: folder + "/ledger.db", clock: SystemClock(), sealer: sealer)
let opened = Double(nanoseconds() - begin) / 1e9
let writers = Writers(ledger: ledger)
switch arguments[2] {
case "write": print(try await writers.run(writers: number, seconds: second))
case "receipt": print(try await Receipts(writers: writers, folder: folder).run(rate: number, count: second))
case "run": try await writers.grow(to: ledger.growth.size + UInt64(number))
case "grow":
    memory("opened in \(opened) s", ledger)
    for size in arguments.dropFirst(3).compactMap({ UInt64($0) }) {
        let start = nanoseconds()
        let before = ledger.growth.size
        try await writers.grow(to: size)
        let seconds = Double(nanoseconds() - start) / 1e9
        memory("\(Int(Double(ledger.growth.size - before) / seconds)) entries/s", ledger)
    }
default: print("unknown command \(arguments[2])")
}
try await ledger.close()
