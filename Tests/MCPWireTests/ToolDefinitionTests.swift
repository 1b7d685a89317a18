import CanonicalJSON
import MCPWire
import Testing

@Suite("Tool definitions", .timeLimit(.minutes(10)))
struct ToolDefinitionTests {
    private func tool(_ members: JSONObject, name: JSONValue = "t") throws -> ToolDefinition {
        var json = members
        json["name"] = json["name"] ?? name
        json["inputSchema"] = json["inputSchema"] ?? ["type": "object"]
        return try ToolDefinition(.object(json))
    }

    @Test("a definition is read with what it says of itself")
    func reading() throws {
        let hints: JSONValue = [
            "destructiveHint": false, "idempotentHint": true, "openWorldHint": nil, "readOnlyHint": true, "title": "T",
        ]
        let tool = try tool(["annotations": hints, "outputSchema": [:], "title": "T", "unknown": 1])
        #expect(tool.hints == .init(readOnly: true, destructive: false, idempotent: true))
        #expect(tool.hasOutputSchema)
        #expect(tool.inputSchema == ["type": "object"])
        let bare = try self.tool(["annotations": nil, "description": nil, "outputSchema": nil, "title": nil])
        #expect(bare.hints == .init())
        #expect(!bare.hasOutputSchema)
        #expect(bare.json["title"] == .null)
    }

    @Test("a name of 1 to 128 code points is accepted, whatever they are")
    func names() throws {
        for name in ["a", "a b/c", "é", String(repeating: "水", count: 128)] {
            #expect(try tool([:], name: .string(name)).name == name)
        }
        for name in ["", .string(String(repeating: "a", count: 129)), nil, 1, []] as [JSONValue] {
            #expect(throws: RPCFault.self) { try tool([:], name: name) }
        }
    }

    @Test(
        "what is no definition is refused",
        arguments: [
            ["title": 1], ["description": []], ["inputSchema": nil], ["inputSchema": [:]], ["inputSchema": true],
            ["inputSchema": ["type": "string"]], ["inputSchema": ["type": ["object"]]], ["outputSchema": true],
            ["annotations": []], ["annotations": ["readOnlyHint": "yes"]], ["annotations": ["openWorldHint": 1]],
        ] as [JSONObject],
    )
    func refused(members: JSONObject) {
        #expect(throws: RPCFault.self) { try tool(members) }
    }

    @Test("what is no object is no definition")
    func notAnObject() {
        for json in [nil, [], "t", [:]] as [JSONValue] { #expect(throws: RPCFault.self) { try ToolDefinition(json) } }
    }

    @Test("the canonical bytes change with all that a model or a person sees, and with nothing else")
    func canonical() throws {
        let plain = try tool([:])
        #expect(String(decoding: plain.canonical, as: UTF8.self) == #"{"inputSchema":{"type":"object"},"name":"t"}"#)
        for unseen in [["_meta": ["a": 1]], ["icons": []], ["execution": [:]], ["title": nil]] as [JSONObject] {
            #expect(try tool(unseen).canonical == plain.canonical)
        }
        let seen: [JSONObject] = [
            ["title": "t"], ["description": ""], ["annotations": [:]], ["outputSchema": [:]], ["later": 1],
            ["inputSchema": ["$comment": "", "type": "object"]], ["name": "T"],
            ["inputSchema": ["maximum": 9_007_199_254_740_992, "type": "object"]],
            ["inputSchema": ["maximum": 9_007_199_254_740_993, "type": "object"]],
        ]
        let all = try seen.map { try tool($0).canonical }
        #expect(Set(all + [plain.canonical]).count == seen.count + 1)
    }

    @Test("a definition under another name keeps the rest, but for what is set")
    func renaming() throws {
        let tool = try tool(["_meta": ["a": 1], "title": "T"])
        #expect(
            tool.renamed("p_t", setting: [("description", "d"), ("name", "x")])
                == [
                    "_meta": ["a": 1], "description": "d", "inputSchema": ["type": "object"], "name": "p_t",
                    "title": "T",
                ]
        )
    }
}

@Suite("Hidden characters", .timeLimit(.minutes(10)))
struct HiddenCharacterTests {
    private func found(_ members: JSONObject) throws -> [HiddenCharacter] {
        var json = members
        json["name"] = json["name"] ?? "t"
        json["inputSchema"] = json["inputSchema"] ?? ["type": "object"]
        return try ToolDefinition(.object(json)).hiddenCharacters
    }

    @Test(
        "what people do not see is found",
        arguments: [
            ("a\u{202E}b", .bidirectional), ("\u{2066}", .bidirectional), ("\u{200F}", .bidirectional),
            ("\u{61C}", .bidirectional), ("a\u{200B}", .zeroWidth), ("\u{FEFF}a", .zeroWidth),
            ("a\u{2060}", .zeroWidth),
            ("a\u{200D}b", .zeroWidth), ("\u{200D}", .zeroWidth), ("😀\u{200D}", .zeroWidth), ("😀\u{200D}x", .zeroWidth),
            ("1\u{200D}2", .zeroWidth), ("\u{200C}", .zeroWidth), ("\u{E0041}", .tag), ("\u{E007F}", .tag),
            ("\u{FE00}", .variationSelector), ("a\u{FE0F}", .variationSelector),
            ("😀\u{FE0F}\u{FE0F}", .variationSelector),
            ("😀\u{FE01}", .variationSelector), ("1\u{FE0F}2", .variationSelector), ("a\u{E0100}", .variationSelector),
            ("\u{1B}[31m", .escape), ("\u{9B}31m", .escape), ("\0", .control), ("\u{8}", .control),
            ("\u{7F}", .control),
            ("\u{85}", .control), ("so\u{AD}ft", .format), ("\u{3164}", .format), ("\u{115F}", .format),
            ("\u{34F}", .format), ("\u{2028}", .format), ("\u{2061}", .format), ("\u{FFF9}", .format),
            ("\u{2800}", .format), ("\u{FFFF}", .format),
        ] as [(String, HiddenCharacter.Kind)],
    )
    func hidden(text: String, kind: HiddenCharacter.Kind) throws {
        let found = try found(["description": .string("x \(text)")])
        #expect(found.map(\.kind) == [kind])
        #expect(found.first?.pointer == "/description")
    }

    @Test(
        "what people see is not",
        arguments: [
            "", "plain\ttext\r\nwith breaks", "Größe 水 مرحبا שלום", "⚠️ careful", "❤︎", "1️⃣ #️⃣", "👩‍💻 👨‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "🇩🇪",
            "e\u{301}",
            "\u{A0}\u{3000}", "~!@#$%^&*()",
        ],
    )
    func visible(text: String) throws {
        #expect(try found(["description": .string(text)]) == [])
    }

    @Test("every text that is shown or read is looked at, names of members too, and each finding says where")
    func places() throws {
        let hidden: JSONValue = "\u{200B}"
        let found = try found([
            "_meta": ["x": hidden],
            "annotations": ["title": hidden],
            "inputSchema": [
                "properties": ["a/b~\u{202E}": ["enum": ["x", hidden]], "\u{E0041}": true],
                "type": "object",
            ],
            "name": "n\u{200B}",
            "outputSchema": ["description": hidden],
            "title": hidden,
        ])
        #expect(
            found.map { "\($0.pointer) \($0.kind.rawValue)" } == [
                "/name zero-width", "/title zero-width", "/inputSchema/properties bidi-control",
                "/inputSchema/properties tag-character", #"/inputSchema/properties/a~1b~0\u{202E}/enum/1 zero-width"#,
                "/outputSchema/description zero-width", "/annotations/title zero-width",
            ]
        )
    }

    @Test("of many in one text the first of each kind is told, and how many")
    func counts() throws {
        let text = "\u{200B}\u{202E}\u{200B}\u{2060}"
        #expect(
            try found(["title": .string(text)]) == [
                HiddenCharacter(pointer: "/title", kind: .zeroWidth, scalar: "\u{200B}", count: 3),
                HiddenCharacter(pointer: "/title", kind: .bidirectional, scalar: "\u{202E}", count: 1),
            ]
        )
    }

    @Test("a hostile schema yields no more than a bounded number of findings")
    func bounded() throws {
        let names = (0..<5000).map { ("k\($0)\u{200B}", JSONValue.string("\u{200B}")) }
        let wide = try found(["inputSchema": ["properties": .object(JSONObject(names)), "type": "object"]])
        #expect(wide.count == ToolDefinition.maxFindings)
        let key = String(repeating: "k", count: 100_000)
        let long: JSONValue = .object([key: .array(Array(repeating: "x", count: 100_000))])
        #expect(try found(["inputSchema": ["properties": long, "type": "object"]]).isEmpty)
        var deep: JSONValue = "\u{200B}"
        for _ in 0..<500 { deep = ["a": deep] }
        #expect(try found(["inputSchema": ["properties": deep, "type": "object"]]).first?.pointer.utf8.count == 1023)
    }
}
