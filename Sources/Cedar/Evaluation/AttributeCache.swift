/// The attributes of the request that policies have read so far, in memory that is lent for one decision.
@safe
struct AttributeCache {
    /// What is known of one attribute.
    enum Entry {
        case unresolved
        case missing
        /// The member of the record at that place.
        case member(Int32, PlainValue)
    }

    private let entries: UnsafeMutableBufferPointer<Entry>

    /// Lends a cache whose entries are all unresolved.
    @inline(__always)
    static func withCache<Result>(_ count: Int, _ body: (AttributeCache) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: Entry.self, capacity: count) { memory in
            unsafe memory.initialize(repeating: .unresolved)
            return body(unsafe AttributeCache(entries: memory))
        }
    }

    /// What is known of an attribute.
    subscript(_ attribute: Int32) -> Entry {
        @inline(__always)
        get {
            unsafe precondition(attribute >= 0 && attribute < self.entries.count)
            return unsafe self.entries[Int(attribute)]
        }
        nonmutating set {
            unsafe precondition(attribute >= 0 && attribute < self.entries.count)
            unsafe self.entries[Int(attribute)] = newValue
        }
    }
}

extension Evaluator {
    /// The value of the request attribute of that number.
    func requestAttribute(_ attribute: Int32) throws(EvaluationError) -> Value {
        guard case .member(let place, _) = self.entry(of: attribute) else { throw self.absence(of: attribute) }
        return self.record(of: self.program.requestAttributes[Int(attribute)].variable).members[Int(place)].value
    }

    /// Whether there is the attribute of that number.
    func hasRequestAttribute(_ attribute: Int32) -> Bool {
        guard case .member = self.entry(of: attribute) else { return false }
        return true
    }

    /// A node's value in plain words, if it is one that needs no evaluation.
    @inline(__always)
    func plain(_ index: Program.Index) throws(EvaluationError) -> PlainValue? {
        let node = self.program.nodes[Int(index)]
        if node.operation == .constant { return self.program.plainConstants[Int(node.a)] }
        guard node.operation == .requestAttribute else { return nil }
        guard case .member(_, let value) = self.entry(of: node.a) else { throw self.absence(of: node.a) }
        return value
    }

    @inline(__always)
    private func entry(of attribute: Int32) -> AttributeCache.Entry {
        let entry = self.cache[attribute]
        if case .unresolved = entry { return self.resolve(attribute) }
        return entry
    }

    @inline(never)
    private func resolve(_ attribute: Int32) -> AttributeCache.Entry {
        let wanted = self.program.requestAttributes[Int(attribute)]
        let record = self.record(of: wanted.variable)
        let place = record.place(of: wanted.name)
        let entry =
            place.map { AttributeCache.Entry.member(Int32($0), PlainValue(record.members[$0].value)) } ?? .missing
        self.cache[attribute] = entry
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
    private func absence(of attribute: Int32) -> EvaluationError {
        let attribute = self.program.requestAttributes[Int(attribute)]
        let subject: Subject
        switch attribute.variable {
        case .principal: subject = self.principal
        case .action: subject = self.action
        case .resource: subject = self.resource
        case .context: return .missingAttribute(attribute.name)
        }
        return subject.isKnown ? .missingEntityAttribute(subject.uid, attribute.name) : .unknownEntity(subject.uid)
    }
}
