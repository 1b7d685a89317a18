package import CanonicalJSON

/// The results that a gateway makes itself.
package enum ToolResults {
    /// What tells a modern client which shape a result has.
    package static let resultType = "resultType"

    /// The result of a call that is one text; `modern` adds the `resultType`.
    package static func text(
        _ text: String,
        isError: Bool,
        meta: JSONObject? = nil,
        modern: Bool,
    ) -> JSONObject {
        var result: JSONObject = [
            "content": [["text": .string(text), "type": "text"]],
            "isError": .bool(isError),
        ]
        result["_meta"] = meta.map(JSONValue.object)
        if modern { result[resultType] = "complete" }
        return result
    }

    /// The result that says no more than that it was done.
    package static func empty(modern: Bool) -> JSONObject { modern ? [resultType: "complete"] : [:] }
}
