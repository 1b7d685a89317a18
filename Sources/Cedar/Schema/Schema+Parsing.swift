import CanonicalJSON

extension Schema {
    /// Reads schema texts, each a fragment of one schema.
    ///
    /// - Parameters:
    ///   - sources: The texts: Cedar's schema text, or its JSON form where the first character is `{`.
    ///   - limits: How large a text may be.
    /// - Throws: Every problem of every text; first those of their form, and where there are none those of what the
    ///   names in them stand for.
    package init(parsing sources: [PolicySource], limits: PolicyLimits = PolicyLimits()) throws(PolicyErrors) {
        var fragments: [SchemaFragment] = []
        var errors: [PolicyError] = []
        for source in sources {
            if JSONParser.isObject(source.text) {
                let (fragment, problems) = SchemaDocument.read(source, limits: limits)
                fragments.append(fragment)
                errors += problems
            } else {
                var parser = SchemaParser(source, limits: limits)
                fragments.append(parser.fragment())
                errors += parser.errors
            }
        }
        guard errors.isEmpty else { throw PolicyErrors(errors) }
        var resolver = SchemaResolver(errorLimit: limits.errors)
        let schema = resolver.schema(of: fragments)
        guard resolver.errors.isEmpty else { throw PolicyErrors(resolver.errors) }
        self = schema
    }
}
