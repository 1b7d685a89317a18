/// A request that a chat's servers, or somebody who pretends to be them, sent to a channel.
package struct ChannelRequest: Sendable {
    /// The channel that the path names.
    package let channel: ChannelName
    /// What follows in the path: `interactions`, `commands`, `messages`.
    package let endpoint: String
    /// The header fields, names in lower case.
    package let fields: [(name: String, value: String)]
    /// The body, as it came.
    package let body: [UInt8]
    /// From where.
    package let sourceAddress: String?
    /// When.
    package let receivedAt: Timestamp

    /// The longest body that is read.
    package static let maximumBody = 1 << 20

    /// Describes a request.
    package init(
        channel: ChannelName,
        endpoint: String,
        fields: [(name: String, value: String)],
        body: [UInt8],
        sourceAddress: String?,
        receivedAt: Timestamp,
    ) {
        self.channel = channel
        self.endpoint = endpoint
        self.fields = fields
        self.body = body
        self.sourceAddress = sourceAddress
        self.receivedAt = receivedAt
    }

    /// The value of a field, unless it came twice.
    package func field(_ name: String) -> String? {
        let values = fields.filter { $0.name == name }
        return values.count == 1 ? values[0].value : nil
    }
}

/// The answer to a chat's servers.
package struct ChannelReply: Hashable, Sendable {
    /// The HTTP status.
    package let status: Int
    /// The media type of the body; `nil` without one.
    package let contentType: String?
    /// The body.
    package let body: [UInt8]

    /// Makes an answer.
    package init(status: Int, contentType: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// There is no such channel, or it takes no requests; it does not say which.
    package static let notFound = ChannelReply(status: 404)
}

/// What the control plane hands requests of chats to.
package protocol ChannelInbox: Sendable {
    /// Answers a request; within three seconds, whatever becomes of it.
    func receive(_ request: ChannelRequest) async -> ChannelReply
    /// Looks into the outbox again, because somebody put something there.
    func look()
}
