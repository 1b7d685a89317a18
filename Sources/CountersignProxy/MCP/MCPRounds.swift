import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore
import Synchronization

/// The client's side of a call whose client is asked in the answer to one request and answers with the next
/// (2026-07-28, "Multi Round-Trip Requests"), while the call goes on at its server.
///
/// The call's task says what happens; the client's present request, if there is one, hears the bell and looks. The mutex
/// guards what waits to be passed on and who is there.
final class MCPRounds: Sendable {
    /// What a server wants to know of the client.
    struct Question: Sendable {
        /// Under which the upstream side knows who asks, and the client answers.
        let key: String
        let method: String
        let params: JSONValue
        /// How many bytes the server has written for it.
        let size: Int

        /// The questions as a client reads them (`inputRequests`).
        static func requests(_ questions: [Question]) -> JSONObject {
            JSONObject(
                questions.map { question in
                    let request = JSONObject([("method", .string(question.method)), ("params", question.params)])
                    return (question.key, .object(request))
                }
            )
        }
    }

    /// What the request that attends has to do next.
    enum Turn {
        case notify(method: String, params: [UInt8]?)
        case ask([Question])
        case end(MCPDispatch.End)
    }

    /// A request of the client's that is there for the call.
    struct Visit: Sendable {
        /// Rings when there may be something to do; ends when the request has left.
        let bell: AsyncStream<Void>
        /// Tells this visit from others.
        fileprivate let number: Int
    }

    /// What becomes of a request that wants to end with questions.
    enum Parking: Equatable {
        /// The client is away now; the number tells this absence from later ones.
        case away(Int)
        /// The call has ended, and this request gets its end.
        case ended
        /// This request had left already, and another one may be here.
        case left
    }

    private enum Client {
        /// A request of the client's is here, and is woken by the bell.
        case present(AsyncStream<Void>.Continuation)
        /// It was asked, and is to come back with answers.
        case awaited
        /// It has left.
        case absent
    }

    private struct State {
        var client: Client
        var questions: [Question] = []
        /// How many questions of the server's have been looked at.
        var asked = 0
        /// How long the open questions wait, whether the client is here or not.
        var patience = MCPPatience()
        /// Whether a timer runs, of which there is never more than one, however many questions are asked and answered.
        var isTimed = false
        var notices: [(method: String, params: [UInt8]?)] = []
        var noticeBytes = 0
        var end: MCPDispatch.End?
        /// Nobody is asked any more.
        var isOver = false
        /// How often a request of the client's came or went.
        var changes = 0
    }

    /// A server that asks more often than this does not get done.
    static let maximumQuestions = 100
    /// Bytes of questions that are open: official clients read no more in one message.
    private static let maximumOpen = 1 << 20
    /// Bytes of notifications that wait for a client to read them.
    private static let maximumNotices = 1 << 20
    /// What a notification weighs apart from its text.
    private static let weight = 256

    let upstream: MCPUpstream
    /// The approval that the call was made under; `nil` for one that policy allowed.
    let approval: ApprovalID?
    /// Cancels a call whose client has left; `nil` where leaving does not stop it.
    private let cancellation: MCPCancellation?
    private let loop: any EventLoop
    private let state: Mutex<State>
    /// The first request's.
    let first: Visit
    /// The client's time for its answers is over.
    let lapses: AsyncStream<Void>
    private let lapsed: AsyncStream<Void>.Continuation

    /// Begins with the client's first request present, unless it has none: that of a task.
    init(
        upstream: MCPUpstream,
        approval: ApprovalID?,
        cancellation: MCPCancellation?,
        isAttended: Bool = true,
        loop: any EventLoop,
    ) {
        self.upstream = upstream
        self.approval = approval
        self.cancellation = cancellation
        self.loop = loop
        let (bell, ringer) = Self.makeBell()
        first = Visit(bell: bell, number: 0)
        state = Mutex(State(client: isAttended ? .present(ringer) : .absent))
        (lapses, lapsed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    private static func makeBell() -> (AsyncStream<Void>, AsyncStream<Void>.Continuation) {
        AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: the call's side

    /// Whether the client waits for the call at this moment.
    var isAttended: Bool {
        state.withLock { state in
            if case .present = state.client { true } else { false }
        }
    }

    /// Says something that needs no answer; nobody hears it if there is no client, or too much is unread.
    func notify(_ method: String, _ params: [UInt8]?) {
        let size = Self.size(method, params)
        ring { state in
            guard case .present = state.client, state.noticeBytes + size <= Self.maximumNotices else { return }
            state.notices.append((method, params))
            state.noticeBytes += size
        }
    }

    private static func size(_ method: String, _ params: [UInt8]?) -> Int {
        method.utf8.count + (params?.count ?? 0) + weight
    }

    /// Whether a question of so many bytes is worth judging, which leaves an entry.
    func takes(_ size: Int) -> Bool {
        state.withLock { state in
            let open = state.questions.reduce(0) { $0 + $1.size }
            guard !state.isOver, state.end == nil, state.asked < Self.maximumQuestions, open + size <= Self.maximumOpen
            else { return false }
            state.asked += 1
            return true
        }
    }

    /// Asks the client; false if it can not be asked any more.
    func ask(_ question: Question) -> Bool {
        let isAsked = ring { state in
            guard !state.isOver, state.end == nil else { return false }
            if state.questions.isEmpty { state.patience.turn(isOpen: true, now: loop.now) }
            state.questions.append(question)
            return true
        }
        keepTime()
        return isAsked
    }

    /// The call has ended: the questions that are open.
    func end(_ end: MCPDispatch.End) -> [Question] {
        let questions = ring { state in
            state.end = end
            defer { state.questions = [] }
            return state.questions
        }
        lapsed.finish()
        return questions
    }

    /// Nobody answers any more: the questions that are open.
    func expire() -> [Question] {
        state.withLock { state in
            state.isOver = true
            state.patience.turn(isOpen: false, now: loop.now)
            defer { state.questions = [] }
            return state.questions
        }
    }

    /// Whoever asked knows that there is no answer.
    ///
    /// A client that is here is not waited for, either: it gets the call's end.
    func giveUp() { cancellation?.cancel() }

    /// The gateway is going down: there is no time left to answer.
    func lapse() { lapsed.yield() }

    // MARK: the client's side

    /// What the present request has to do; `nil` if there is nothing until the bell rings again.
    func turn() -> Turn? {
        state.withLock { state in
            if !state.notices.isEmpty {
                let (method, params) = state.notices.removeFirst()
                state.noticeBytes -= Self.size(method, params)
                return .notify(method: method, params: params)
            }
            if let end = state.end { return .end(end) }
            return state.questions.isEmpty ? nil : .ask(state.questions)
        }
    }

    /// The client is being asked, and this request of its ends, unless it has left or the call has ended.
    func park(_ visit: Visit) -> Parking {
        state.withLock { state in
            guard state.end == nil else { return .ended }
            // Whoever has left does not send away the one who came after.
            guard state.changes == visit.number else { return .left }
            state.client = .awaited
            state.changes += 1
            return .away(state.changes)
        }
    }

    /// The client is back with another request; the bell rings at once.
    ///
    /// `nil` if there is one already.
    func attend() -> Visit? {
        state.withLock { state in
            if case .present = state.client { return nil }
            let (bell, ringer) = Self.makeBell()
            state.client = .present(ringer)
            state.changes += 1
            ringer.yield()
            return Visit(bell: bell, number: state.changes)
        }
    }

    /// What the client could answer if it came back.
    var questions: [Question] { state.withLock { $0.questions } }

    /// Takes an answer in; whether it was asked for.
    func answered(_ key: String) -> Bool {
        state.withLock { state in
            guard let index = state.questions.firstIndex(where: { $0.key == key }) else { return false }
            state.questions.remove(at: index)
            // Whoever answers one has its time for the others.
            state.patience.turn(isOpen: !state.questions.isEmpty, now: loop.now)
            return true
        }
    }

    /// The client has closed its request, which cancels it (2026-07-28, "Cancellation").
    ///
    /// With the number of an absence: it could not be told what it is asked, unless it has come back meanwhile.
    func leave(_ absence: Int? = nil) {
        let before = state.withLock { state -> Client? in
            guard absence == nil || absence == state.changes else { return nil }
            let before = state.client
            state.client = .absent
            state.changes += 1
            state.notices = []
            state.noticeBytes = 0
            return before
        }
        guard let before else { return }
        if case .present(let ringer) = before { ringer.finish() }
        cancellation?.cancel()
    }

    // MARK: both

    @discardableResult
    private func ring<Value: Sendable>(_ change: (inout State) -> Value) -> Value {
        let (value, ringer) = state.withLock { state -> (Value, AsyncStream<Void>.Continuation?) in
            let value = change(&state)
            guard case .present(let ringer) = state.client else { return (value, nil) }
            return (value, ringer)
        }
        ringer?.yield()
        return value
    }

    /// Lets the open questions lapse if they are not answered in time.
    private func keepTime() {
        let end = state.withLock { state -> NIODeadline? in
            guard state.end == nil, !state.isTimed, let end = state.patience.end else { return nil }
            state.isTimed = true
            return end
        }
        if let end { wake(at: end) }
    }

    private func wake(at time: NIODeadline) {
        loop.scheduleTask(deadline: time) { [weak self] in self?.look() }
    }

    /// The timer's time is over; the questions' may be later by now.
    private func look() {
        let now = loop.now
        let (isLate, later) = state.withLock { state -> (Bool, NIODeadline?) in
            state.isTimed = false
            guard state.end == nil, let end = state.patience.end else { return (false, nil) }
            guard end > now else { return (true, nil) }
            state.isTimed = true
            return (false, end)
        }
        if isLate { lapsed.yield() }
        if let later { wake(at: later) }
    }
}

/// Calls that wait for answers of their clients, by the word with which the client comes back; the mutex guards the
/// tables.
final class MCPRoundTable: Sendable {
    private struct State {
        var waiting: [AgentID: [String: MCPRounds]] = [:]
        var approved: [ApprovalID: MCPRounds] = [:]
        /// What the clients of tasks that wait said that they can be asked.
        var declared: [AgentID: [ApprovalID: JSONObject]] = [:]
    }

    /// An agent's calls that may wait for its answers at a time: they take no connection of its own.
    private static let maximum = 64
    /// An agent's tasks whose clients can be asked; of more, the oldest ones' cannot.
    private static let maximumTasks = 4096

    private let state = Mutex(State())

    /// Remembers a call whose client is being asked, by this word alone; false if the agent has too many others.
    func park(_ rounds: MCPRounds, _ word: String, of agent: AgentID) -> Bool {
        state.withLock { state in
            var waiting = state.waiting[agent, default: [:]].filter { $0.value !== rounds }
            guard waiting.count < Self.maximum else { return false }
            waiting[word] = rounds
            state.waiting[agent] = waiting
            return true
        }
    }

    /// The call that this word was given for; a word is good once.
    func take(_ word: String, of agent: AgentID) -> MCPRounds? {
        state.withLock { state in
            let rounds = state.waiting[agent]?.removeValue(forKey: word)
            if state.waiting[agent]?.isEmpty ?? false { state.waiting[agent] = nil }
            return rounds
        }
    }

    /// Remembers what a task's client can be asked, for when its call is made; after a restart it is not asked anything.
    func remember(_ declared: JSONObject, of approval: Approval) {
        state.withLock { state in
            var own = state.declared[approval.agent, default: [:]]
            own[approval.id] = declared
            if own.count > Self.maximumTasks, let oldest = own.keys.min() { own[oldest] = nil }
            state.declared[approval.agent] = own
        }
    }

    /// What the client of a task can be asked; also at the second start of a call whose first one failed.
    func declared(_ approval: Approval) -> JSONObject? {
        state.withLock { $0.declared[approval.agent]?[approval.id] }
    }

    /// A task's call has been made, or never will be: what its client can be asked is of no use any more.
    func forgetDeclared(_ approval: Approval) {
        state.withLock { state in
            state.declared[approval.agent]?[approval.id] = nil
            if state.declared[approval.agent]?.isEmpty ?? false { state.declared[approval.agent] = nil }
        }
    }

    /// Remembers the call that is made under an approval.
    func note(_ rounds: MCPRounds, under approval: ApprovalID) { state.withLock { $0.approved[approval] = rounds } }

    /// The call that is made under an approval, if it is under way in rounds.
    func rounds(under approval: ApprovalID) -> MCPRounds? { state.withLock { $0.approved[approval] } }

    /// A call has ended; words that were given for it are good for nothing any more.
    func forget(_ rounds: MCPRounds, of agent: AgentID) {
        state.withLock { state in
            if let approval = rounds.approval, state.approved[approval] === rounds { state.approved[approval] = nil }
            state.waiting[agent] = state.waiting[agent]?.filter { $0.value !== rounds }
            if state.waiting[agent]?.isEmpty ?? false { state.waiting[agent] = nil }
        }
    }
}
