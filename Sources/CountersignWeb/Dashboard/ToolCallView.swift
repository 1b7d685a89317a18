import CanonicalJSON
import CountersignCore

/// The call of an MCP tool, on a page: what the agent sends, and what the server says that the tool is.
struct ToolCallView {
    /// The tool's name, with its server.
    let tool: Markup
    /// Its page.
    let link: Markup
    /// The arguments, laid out.
    let arguments: Markup
    /// Whether there are any.
    let hasArguments: Bool
    /// What the server says of the tool that was called; `nil` if nobody knows that definition any more.
    let words: ToolWords?
    /// How the definition at hand stands.
    let standing: Pill?
    /// Whether it is the accepted one.
    let isAccepted: Bool
    /// What deceives a reader in the definition.
    let warnings: [Markup]
    /// Whether anything does.
    let hasWarnings: Bool
    /// The digest of the definition at hand.
    let definition: Markup

    /// Takes the call out of an action's context; `nil` if it is none, or in a form that we do not know.
    init?(_ approval: Approval, _ context: inout JSONObject, _ tools: ToolBook) {
        guard context["method"]?.stringValue == "tools/call", let tool = context["tool"]?.stringValue,
            let arguments = context["arguments"], let object = arguments.objectValue
        else { return nil }
        let digest = context["definition"]?.stringValue
        let name = ToolName(approval.connection, tool)
        let known = tools.standing(name)
        let isAccepted = known?.accepted.map { $0.digest.rawValue == digest } ?? false
        let listed = known?.listed.flatMap { $0.digest.rawValue == digest ? $0 : nil }
        let text = isAccepted ? known?.accepted?.text : listed?.text
        self.tool = VisibleText.line(tool)
        self.isAccepted = isAccepted
        link = Markup(ToolView.link(name))
        self.arguments = VisibleText.block(arguments.prettyText())
        hasArguments = !object.isEmpty
        words = text.map { ToolWords($0) }
        standing =
            isAccepted
            ? Pill("accepted", tone: "good") : Pill(known?.accepted == nil ? "never accepted" : "changed", tone: "wait")
        warnings = (listed?.warnings ?? []).map { VisibleText.line($0) }
        hasWarnings = !warnings.isEmpty
        definition = digest.map { VisibleText.line($0) } ?? .none
        for member in ["method", "tool", "arguments", "definition"] { context[member] = nil }
    }
}
