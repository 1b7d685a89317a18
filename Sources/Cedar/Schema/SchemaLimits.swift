/// How much a schema may come to once its names are resolved; what its text may be is in `PolicyLimits`.
///
/// A few lines can state a type of 2¹⁰⁰ members or a hierarchy of billions of pairs. Whoever walks a resolved schema can
/// rely on these bounds.
enum SchemaLimits {
    /// How deep a resolved type may nest, the types it names included.
    static let depth = 256
    /// The most nodes of all resolved types together, each counted wherever it is used.
    static let nodes = 1 << 20
    /// The most steps from declarations to what they are in, over all declarations.
    static let hierarchySteps = 1 << 22
    /// The most bytes of all declared names together, each with its namespace.
    static let nameBytes = 4 << 20
}
