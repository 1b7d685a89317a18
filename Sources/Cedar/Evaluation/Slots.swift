/// The attributes of the request that policies have read so far, in memory that is lent for one decision.
@safe
struct Slots {
    /// What is known of one attribute.
    enum Entry {
        case unresolved
        case missing
        /// The member of the record at that place.
        case member(Int32, PlainValue)
    }

    private let entries: UnsafeMutableBufferPointer<Entry>

    /// Lends slots that are all unresolved.
    @inline(__always)
    static func withSlots<Result>(_ count: Int, _ body: (Slots) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: Entry.self, capacity: count) { memory in
            unsafe memory.initialize(repeating: .unresolved)
            return body(unsafe Slots(entries: memory))
        }
    }

    /// What is known of a slot.
    subscript(_ slot: Int32) -> Entry {
        @inline(__always)
        get {
            unsafe precondition(slot >= 0 && slot < self.entries.count)
            return unsafe self.entries[Int(slot)]
        }
        nonmutating set {
            unsafe precondition(slot >= 0 && slot < self.entries.count)
            unsafe self.entries[Int(slot)] = newValue
        }
    }
}

extension Evaluator {
    /// The attribute that a slot names.
    func slot(_ slot: Int32) throws(EvaluationError) -> Value {
        guard case .member(let place, _) = self.entry(of: slot) else { throw self.absence(of: slot) }
        return self.record(of: self.program.slots[Int(slot)].variable).members[Int(place)].value
    }

    /// Whether there is the attribute that a slot names.
    func hasSlot(_ slot: Int32) -> Bool {
        guard case .member = self.entry(of: slot) else { return false }
        return true
    }

    /// A node's value in plain words, if it is one that needs no evaluation.
    @inline(__always)
    func plain(_ index: Program.Index) throws(EvaluationError) -> PlainValue? {
        let node = self.program.nodes[Int(index)]
        if node.operation == .constant { return self.program.plainConstants[Int(node.a)] }
        guard node.operation == .slot else { return nil }
        guard case .member(_, let value) = self.entry(of: node.a) else { throw self.absence(of: node.a) }
        return value
    }

    @inline(__always)
    private func entry(of slot: Int32) -> Slots.Entry {
        let entry = self.slots[slot]
        if case .unresolved = entry { return self.resolve(slot) }
        return entry
    }

    @inline(never)
    private func resolve(_ slot: Int32) -> Slots.Entry {
        let wanted = self.program.slots[Int(slot)]
        let record = self.record(of: wanted.variable)
        let place = record.place(of: wanted.name)
        let entry = place.map { Slots.Entry.member(Int32($0), PlainValue(record.members[$0].value)) } ?? .missing
        self.slots[slot] = entry
        return entry
    }

    private func record(of variable: Expression.Variable) -> Record {
        switch variable {
        case .principal: self.principal.attributes
        case .action: self.action.attributes
        case .resource: self.resource.attributes
        case .context: self.request.context
        }
    }

    @inline(never)
    private func absence(of slot: Int32) -> EvaluationError {
        let slot = self.program.slots[Int(slot)]
        let subject: Subject
        switch slot.variable {
        case .principal: subject = self.principal
        case .action: subject = self.action
        case .resource: subject = self.resource
        case .context: return .missingAttribute(slot.name)
        }
        return subject.isKnown ? .missingEntityAttribute(subject.uid, slot.name) : .unknownEntity(subject.uid)
    }
}
