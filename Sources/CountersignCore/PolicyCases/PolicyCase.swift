package import Cedar

/// One case of a policy test: a request, and what policy must answer to it.
package struct PolicyCase: Sendable {
    /// What policy is asked.
    package enum Question: Sendable {
        /// An action, judged as the gateway does at that moment.
        case action(Action, Circumstances, Timestamp)
        /// One plain Cedar request.
        case request(Request, Entities)
        /// An action that the gateway refuses before it asks policy.
        case refused(Reason)
    }

    /// What must come of it; what is `nil` is not looked at.
    package struct Expectation: Hashable, Sendable {
        /// The answer.
        package var answer: PolicyVerdict.Kind
        /// The gates by policy id, in any order.
        package var gates: [String]?
        /// The policies that brought the answer about, in any order.
        package var policies: [String]?
        /// The codes of a denial, in any order.
        package var reasons: [ReasonCode]?
        /// Users who may approve the held action.
        package var mayApprove: [UserID] = []
        /// Users who may not.
        package var mayNotApprove: [UserID] = []

        /// Expects an answer.
        package init(_ answer: PolicyVerdict.Kind) { self.answer = answer }
    }

    /// What it is called.
    package let name: String
    /// The file that it stands in.
    package let file: String
    /// The line at which it starts, from 1.
    package let line: Int
    /// What is asked.
    package let question: Question
    /// What must be answered.
    package let expectation: Expectation
    /// Who and what there is.
    package let directory: Directory

    /// Puts a case together.
    package init(
        name: String,
        file: String,
        line: Int,
        question: Question,
        expectation: Expectation,
        directory: Directory,
    ) {
        self.name = name
        self.file = file
        self.line = line
        self.question = question
        self.expectation = expectation
        self.directory = directory
    }
}

extension PolicyVerdict {
    /// The three answers by name.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// It goes on.
        case allow
        /// It does not.
        case deny
        /// Humans may lift it.
        case gated
    }

    /// The answer's name.
    package var kind: Kind {
        switch answer {
        case .allow: .allow
        case .deny: .deny
        case .gated: .gated
        }
    }

    /// The codes of a denial; empty for other answers.
    package var reasonCodes: [ReasonCode] {
        switch answer {
        case .allow, .gated: []
        case .deny(let reasons): reasons.map(\.code)
        }
    }

    /// The policy ids of the gates; empty for other answers.
    package var gateIDs: [String] {
        switch answer {
        case .allow, .deny: []
        case .gated(let gates): gates.map(\.policy)
        }
    }

    /// The answer in a few words: `gated by a, b`.
    package var summary: String {
        switch answer {
        case .allow: "allow" + (policies.isEmpty ? "" : ", permitted by \(policies.joined(separator: ", "))")
        case .gated: "gated by \(gateIDs.joined(separator: ", "))"
        case .deny(let reasons):
            "deny: " + reasons.map { $0.code.rawValue + ($0.policy.map { " by \($0)" } ?? "") }.joined(separator: ", ")
        }
    }
}
