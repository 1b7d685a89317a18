import CanonicalJSON

extension RememberedAnswer {
    /// The approval whose document an answer of the API shows: the answer is an approval, or has one as a member.
    package static func approval(in body: [UInt8]) -> ApprovalID? {
        guard let json = StoredJSON.value(body) else { return nil }
        let approval = json["approval"]?["action"] == nil ? json : json["approval"]
        guard approval?["action"] != nil else { return nil }
        return approval?["id"]?.stringValue.flatMap { ApprovalID($0) }
    }
}
