import Testing

@testable import CountersignProxy

@Suite("What waits for a listener", .timeLimit(.minutes(10)))
struct MCPBacklogTests {
    @Test("elements come out in order, and the end after them")
    func order() async {
        let backlog = MCPBacklog<Int>(maximum: 1 << 20)
        for number in 0..<300 { backlog.push(number, size: 10) }
        backlog.finish()
        backlog.push(300, size: 10)
        for number in 0..<300 { #expect(await backlog.next() == number) }
        #expect(await backlog.next() == nil)
        #expect(await backlog.next() == nil)
    }

    @Test("of a reader that does not keep up, the oldest are dropped, and never more is kept than the bound")
    func bound() async {
        let backlog = MCPBacklog<Int>(maximum: 10_000)
        for number in 0..<1000 {
            backlog.push(number, size: number.isMultiple(of: 3) ? 0 : 700)
            #expect(backlog.bytes <= 10_000)
        }
        backlog.finish()
        var kept = [Int]()
        while let next = await backlog.next() { kept.append(next) }
        #expect(kept == Array(kept[0]...999))
        #expect(kept.count > 5 && kept.count < 40)
        #expect(backlog.bytes == 0)
    }

    @Test("what is to be kept comes out in its place, however much comes after it")
    func kept() async {
        let backlog = MCPBacklog<Int>(maximum: 10_000)
        for number in 0..<3 { backlog.push(number, size: 10) }
        backlog.push(3, size: 0, isKept: true)
        for number in 4..<500 { backlog.push(number, size: 700, isKept: number == 100) }
        #expect(backlog.bytes <= 10_000)
        backlog.finish()
        #expect(await backlog.next() == 3)
        #expect(await backlog.next() == 100)
        var rest = [Int]()
        while let next = await backlog.next() { rest.append(next) }
        #expect(rest == Array(rest[0]...499))
        #expect(rest.count > 5 && rest.count < 20)
    }

    @Test("what would never fit is dropped, and nothing else for it")
    func tooLarge() async {
        let backlog = MCPBacklog<String>(maximum: 10_000)
        backlog.push("first", size: 9000)
        backlog.push("huge", size: 20_000)
        backlog.finish()
        #expect(await backlog.next() == "first")
        #expect(await backlog.next() == nil)
    }

    @Test("a reader whose task is cancelled does not wait on")
    func cancelled() async {
        let backlog = MCPBacklog<Int>(maximum: 1000)
        let got = await withTaskGroup(of: Int?.self) { group in
            group.addTask { await backlog.next() }
            group.cancelAll()
            return await group.next()
        }
        #expect(got == .some(nil))
    }

    @Test("a reader that waits gets the next element at once, and the end")
    func waiting() async {
        let backlog = MCPBacklog<Int>(maximum: 1000)
        async let got = backlog.next()
        backlog.push(7, size: 1)
        #expect(await got == 7)
        async let end = backlog.next()
        backlog.finish()
        #expect(await end == nil)
    }
}
