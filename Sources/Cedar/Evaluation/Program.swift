/// The conditions of a policy set in a flat form that is quick to evaluate.
///
/// Nodes are plain numbers that point into tables, so walking them touches no reference count. Constant expressions,
/// extension values above all, are values already; one that has no value is a `fail` node, so that its error comes when
/// and only when it is evaluated.
final class Program: Sendable {
    /// A place in `nodes`.
    typealias Index = Int32

    /// One operation and its operands: indices of nodes or of table entries, as the operation says.
    struct Node: Sendable {
        let operation: Operation
        var a: Int32 = 0
        var b: Int32 = 0
        var c: Int32 = 0
    }

    enum Operation: UInt8, Sendable {
        /// `constants[a]`.
        case constant
        /// Throws `failures[a]`.
        case fail
        case principal
        case action
        case resource
        case context
        /// The attribute that `requestAttributes[a]` names.
        case requestAttribute
        /// Whether there is the attribute that `requestAttributes[a]` names.
        case hasRequestAttribute
        /// Attribute `names[b]` of node `a`.
        case attribute
        /// Whether node `a` has the path of names `lists[b..<b + c]`.
        case has
        /// Operands `lists[a..<a + b]`.
        case and
        /// Operands `lists[a..<a + b]`.
        case or
        /// Node `a`.
        case not
        /// Node `a`.
        case negate
        /// If node `a` then node `b` else node `c`.
        case conditional
        /// Nodes `a` and `b`, as all that follow with two operands.
        case equal
        case notEqual
        case less
        case lessOrEqual
        case greater
        case greaterOrEqual
        case within
        /// Node `a`, then pairs of operator and node in `lists[b..<b + 2c]`.
        case arithmetic
        /// Node `a` matches `patterns[b]`.
        case like
        /// Node `a` is of `types[b]`.
        case isType
        /// Node `a` is of `types[b]` and within node `c`.
        case isTypeWithin
        /// Elements `lists[a..<a + b]`.
        case set
        /// Pairs of name and node in `lists[a..<a + 2b]`.
        case record
        case contains
        case containsAll
        case containsAny
        /// Node `a`.
        case isEmpty
        case getTag
        case hasTag
        /// Node `a` is an address in the range that is node `b`.
        case isInRange
        /// `functions[a]` of the arguments `lists[b..<b + c]`.
        case call
    }

    /// An attribute of a part of the request; however many policies read it, it is looked for once.
    struct RequestAttribute: Hashable, Sendable {
        let variable: Expression.Variable
        let name: CedarString
    }

    let index: ScopeIndex
    let effects: [Effect]
    /// Each policy's id, in a list of its own.
    let idLists: [[String]]
    /// What must be true for each policy to be satisfied once its scope matches; -1 where nothing must.
    let conditions: [Index]
    let nodes: [Node]
    let lists: [Int32]
    let constants: [Value]
    /// The same; they point into `constants`.
    let plainConstants: [PlainValue]
    let failures: [EvaluationError]
    let names: [CedarString]
    let requestAttributes: [RequestAttribute]
    let patterns: [TextPattern]
    let types: [EntityTypeName]
    let functions: [ExtensionFunction]

    /// Compiles policies, the last of which are the links; the conditions of a template are compiled once.
    init(_ policies: [Policy], links: [TemplateLink] = []) {
        var compiler = Compiler()
        var conditions = policies.dropLast(links.count).map { compiler.compile($0.conditions) ?? -1 }
        var shared: [CedarString: Index] = [:]
        for (link, policy) in zip(links, policies.suffix(links.count)) {
            let template = CedarString(link.template)
            let root = shared[template] ?? compiler.compile(policy.conditions) ?? -1
            shared[template] = root
            conditions.append(root)
        }
        self.conditions = conditions
        self.effects = policies.map(\.effect)
        self.idLists = policies.map { [$0.id] }
        self.index = ScopeIndex(policies.map(\.scope))
        self.nodes = compiler.nodes
        self.lists = compiler.lists
        self.constants = compiler.constants
        self.plainConstants = compiler.constants.map { PlainValue($0) }
        self.failures = compiler.failures
        self.names = compiler.names
        self.requestAttributes = compiler.requestAttributes
        self.patterns = compiler.patterns
        self.types = compiler.types
        self.functions = ExtensionFunction.allCases
    }
}
