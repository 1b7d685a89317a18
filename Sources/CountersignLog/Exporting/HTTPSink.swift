import AsyncHTTPClient
package import CountersignCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Posts batches to an address; 2xx means that the receiver has the batch.
///
/// Redirects are not followed, because the header fields hold a credential for one receiver. Certificates are verified.
package struct HTTPSink: ExportSink {
    private let url: String
    private let settings: ExportSettings
    private let source: OCSFEvent.Source
    private let clock: any WallClock
    private let client: HTTPClient

    private let timeout: TimeAmount

    /// Will post to a URL; nothing is opened before the first batch.
    package init(
        url: String,
        settings: ExportSettings,
        source: OCSFEvent.Source,
        clock: any WallClock,
    ) throws(ExportFailure) {
        self.url = url
        self.settings = settings
        self.source = source
        self.clock = clock
        timeout = .nanoseconds(settings.timeout.wholeMicroseconds * 1000)
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: ExportTLS.configuration(trustRoots: settings.trustRoots),
            redirectConfiguration: .disallow,
            timeout: .init(connect: timeout, read: timeout),
        )
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        // Its own schedule of attempts would go on beside ours, with pauses of up to a minute while requests wait for them.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration
        )
    }

    /// Posts a batch and waits for the answer.
    package func deliver(_ batch: ExportBatch) async throws(ExportFailure) {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for header in settings.headers { request.headers.add(name: header.name, value: header.value) }
        request.headers.add(name: "Content-Type", value: Self.contentType(settings.framing))
        request.headers.add(name: "User-Agent", value: "Countersign/\(source.version)")
        request.headers.add(name: "Countersign-Log", value: source.origin)
        request.headers.add(name: "Countersign-Export", value: settings.name)
        request.headers.add(name: "Countersign-Export-Range", value: batch.range)
        request.headers.add(name: "Idempotency-Key", value: "\(source.origin)/\(settings.name)/\(batch.range)")
        request.body = .bytes(ByteBuffer(bytes: Self.body(batch, settings.framing)))
        let post = request
        let late = ExportFailure(.unreachable, "\(url) cannot be reached: it did not answer in time")
        let limit = settings.timeout + Deadline.grace
        let result = await Deadline.within(limit, late: .failure(late)) { await exchange(post) }
        switch result {
        case .success(let answer):
            if let failure = failure(answer.status, answer.retryAfter, answer.text, batch) { throw failure }
        case .failure(let failure):
            throw Task.isCancelled ? ExportFailure(.stopped, "the process is stopping") : failure
        }
    }

    /// What is read of an answer.
    private struct Answer: Sendable {
        let status: Int
        let retryAfter: String?
        let text: String
    }

    private func exchange(_ request: HTTPClientRequest) async -> Result<Answer, ExportFailure> {
        do {
            let answer = try await client.execute(request, timeout: timeout)
            let text = try await Self.start(of: answer.body)
            try Task.checkCancellation()
            let retryAfter = answer.headers.first(name: "Retry-After")
            return .success(Answer(status: Int(answer.status.code), retryAfter: retryAfter, text: text))
        } catch {
            return .failure(ExportFailure(.unreachable, "\(url) cannot be reached: \(Self.describe(error))"))
        }
    }

    /// Ends the connections.
    package func close() async { try? await client.shutdown() }

    private func failure(_ status: Int, _ retryAfter: String?, _ text: String, _ batch: ExportBatch) -> ExportFailure? {
        let said = "\(url) answered \(status)" + (text.isEmpty ? "" : ": \(text)")
        switch status {
        case 200..<300: return nil
        case 413:
            let what = "entries \(batch.range) are too large for it"
            return ExportFailure(.tooLarge, "\(said); \(what): raise its limit, \(batch.lines.count) bytes are needed")
        case 408, 425, 429, 500...:
            return ExportFailure(.busy(retryAfter.flatMap { Self.duration($0, now: clock.time()) }), said)
        case 300..<400:
            return ExportFailure(
                .refused,
                "\(said); a redirect is not followed: set `to` to the receiver's own address"
            )
        default:
            return ExportFailure(
                .refused,
                "\(said); entries \(batch.range) and all after them wait until the receiver, or the export's `to` and "
                    + "`headers`, are set right",
            )
        }
    }

    static func contentType(_ framing: ExportSettings.Framing) -> String {
        switch framing {
        case .ndjson: "application/x-ndjson"
        case .array: "application/json"
        }
    }

    static func body(_ batch: ExportBatch, _ framing: ExportSettings.Framing) -> [UInt8] {
        guard framing == .array else { return batch.lines }
        var bytes = [UInt8(ascii: "[")]
        for (index, record) in batch.records.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += record.bytes
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// The value of `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
    static func duration(_ text: String, now: Timestamp) -> Duration? {
        if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, 86_400)) }
        let words = text.split(separator: " ").map { String($0) }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: words[2]) else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        guard let date = Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z") else { return nil }
        return max(.zero, date.since(now))
    }

    /// The start of an answer, for the operator; the rest is read and forgotten, up to a limit.
    private static func start(of body: HTTPClientResponse.Body) async throws -> String {
        var bytes = [UInt8]()
        var count = 0
        for try await part in body {
            bytes += part.readableBytesView.prefix(max(0, 200 - bytes.count))
            count += part.readableBytes
            if count > 1 << 20 { break }
        }
        let line = bytes.prefix { $0 != 10 && $0 != 13 }
        return String(decoding: line, as: UTF8.self)
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .connectTimeout: "connecting took too long"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            "it did not answer in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "it broke the connection off"
        default: ExportTLS.describe(error)
        }
    }
}
