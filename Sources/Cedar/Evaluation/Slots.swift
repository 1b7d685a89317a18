/// Where the attributes stand that policies read of the request, in memory that is lent for one decision.
@safe
struct Slots {
    private let places: UnsafeMutableBufferPointer<Int32>

    /// Lends slots that are all unresolved.
    @inline(__always)
    static func withSlots<Result>(_ count: Int, _ body: (Slots) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { memory in
            unsafe memory.initialize(repeating: -1)
            return body(unsafe Slots(places: memory))
        }
    }

    /// What is known of one slot.
    enum Place {
        case unresolved
        case missing
        /// The member of the record at that place.
        case member(Int)
    }

    /// What is known of a slot.
    subscript(_ slot: Int32) -> Place {
        get {
            let index = Int(slot)
            unsafe precondition(index >= 0 && index < self.places.count)
            let place = unsafe self.places[index]
            return place >= 0 ? .member(Int(place)) : place == -1 ? .unresolved : .missing
        }
        nonmutating set {
            let index = Int(slot)
            unsafe precondition(index >= 0 && index < self.places.count)
            switch newValue {
            case .unresolved: unsafe self.places[index] = -1
            case .missing: unsafe self.places[index] = -2
            case .member(let place): unsafe self.places[index] = Int32(place)
            }
        }
    }
}

extension Evaluator {
    /// The attribute that a slot names.
    func slot(_ slot: Int32) throws(EvaluationError) -> Value {
        guard let place = self.place(of: slot) else { throw self.absence(of: self.program.slots[Int(slot)]) }
        return switch self.program.slotVariables[Int(slot)] {
        case .principal: self.principal.attributes.members[place].value
        case .action: self.action.attributes.members[place].value
        case .resource: self.resource.attributes.members[place].value
        case .context: self.request.context.members[place].value
        }
    }

    /// The place of a slot's attribute in its record, if there is one.
    func place(of slot: Int32) -> Int? {
        switch self.slots[slot] {
        case .member(let place): return place
        case .missing: return nil
        case .unresolved:
            let wanted = self.program.slots[Int(slot)]
            let record =
                switch wanted.variable {
                case .principal: self.principal.attributes
                case .action: self.action.attributes
                case .resource: self.resource.attributes
                case .context: self.request.context
                }
            let place = record.place(of: wanted.name)
            self.slots[slot] = place.map { .member($0) } ?? .missing
            return place
        }
    }

    private func absence(of slot: Program.Slot) -> EvaluationError {
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
