import CountersignCore
import HTTPTypes

/// The files that pages need: one style sheet, one script, one image.
enum DashboardAssets {
    /// Changes with the files, so that a browser may keep them for ever.
    static let version = String(
        ActionDigest(of: PackageResources.app_css + PackageResources.app_js).rawValue.prefix(12)
    )

    /// The endpoints.
    static let endpoints = [
        asset("app.css", "text/css; charset=utf-8", PackageResources.app_css),
        asset("app.js", "text/javascript; charset=utf-8", PackageResources.app_js),
        asset("mark.svg", "image/svg+xml", PackageResources.mark_svg),
    ]

    private static func asset(_ name: String, _ type: String, _ bytes: [UInt8]) -> Endpoint {
        Endpoint(page: .get, "/assets/" + name, .anyone) { exchange in
            var reply = Reply(contentType: type, bytes: bytes)
            let isVersioned = exchange.query["v"] == version
            reply.fields[.cacheControl] = isVersioned ? "public, max-age=31536000, immutable" : "no-cache"
            return reply
        }
    }
}
