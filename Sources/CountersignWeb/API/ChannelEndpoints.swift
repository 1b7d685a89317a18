import CountersignCore
import HTTPTypes

/// Where chats send what people do in them; the channel checks who really sent it.
enum ChannelEndpoints {
    static let all = [callback]

    private static let callback = Endpoint(callback: "/channels/{channel}/{endpoint}") { exchange in
        guard let channel = ChannelName(exchange.parameters["channel"] ?? "") else { throw Problem(.notFound) }
        let request = ChannelRequest(
            channel: channel,
            endpoint: exchange.parameters["endpoint"] ?? "",
            fields: exchange.fields.map { ($0.name.canonicalName, $0.value) },
            body: exchange.body,
            sourceAddress: exchange.source,
            receivedAt: exchange.now,
        )
        let reply = await exchange.parts.dependencies.channels.receive(request)
        guard reply.status != 404 else { throw Problem(.notFound) }
        return Reply(status: reply.status, contentType: reply.contentType, bytes: reply.body)
    }
}
