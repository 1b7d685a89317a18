// cedar-bench FOLDER answers        one JSON line a request: decision, reasons, errors
// cedar-bench FOLDER time COUNT     lines of "nanoseconds calls": COUNT decisions, each timed by itself
// cedar-bench FOLDER run COUNT      COUNT decisions and nothing else, for callgrind
// cedar-bench FOLDER memory COUNT   requests for memory per decision
import Allocations
import CanonicalJSON
import Cedar

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

func nanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
}

/// Decides the requests in turn; the number of those that were allowed, so that nothing is optimised away.
@inline(never)
func decide(_ workload: Workload, _ count: Int) -> Int {
    var allowed = 0
    var next = 0
    for _ in 0..<count {
        let answer = workload.policies.authorize(workload.requests[next], workload.entities)
        if answer.decision == .allow { allowed += 1 }
        next += 1
        if next == workload.requests.count { next = 0 }
    }
    return allowed
}

func time(_ workload: Workload, _ count: Int) {
    // Warm: caches and branch predictors know the set, as in a process that serves.
    var allowed = decide(workload, min(count, 2_000))
    var times = [Int](repeating: 0, count: count)
    var next = 0
    for index in times.indices {
        let start = nanoseconds()
        let answer = workload.policies.authorize(workload.requests[next], workload.entities)
        times[index] = nanoseconds() - start
        if answer.decision == .allow { allowed += 1 }
        next += 1
        if next == workload.requests.count { next = 0 }
    }
    var calls: [Int: Int] = [:]
    for time in times { calls[time, default: 0] += 1 }
    for (time, number) in calls.sorted(by: { $0.key < $1.key }) { print(time, number) }
}

let arguments = CommandLine.arguments
let count = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
let workload = try Workload(folder: arguments.count > 1 ? arguments[1] : ".")
switch arguments.count > 2 ? arguments[2] : "" {
case "answers":
    for request in workload.requests {
        let answer = workload.policies.authorize(request, workload.entities)
        let json: JSONValue = [
            "decision": .string(answer.decision.rawValue),
            "reasons": .array(answer.reasons.map { .string($0) }),
            "errors": .array(answer.errors.map { .string($0.id) }),
        ]
        print(json.canonicalText)
    }
case "time": time(workload, count)
case "run": print(decide(workload, count))
case "memory":
    let warm = decide(workload, count)
    let before = allocations()
    let allowed = decide(workload, count)
    print(before < 0 ? -1 : Double(allocations() - before) / Double(max(1, count)), allowed == warm ? "" : "unstable")
default:
    print("usage: cedar-bench FOLDER answers | time COUNT | run COUNT | memory COUNT")
    exit(2)
}
