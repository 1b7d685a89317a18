package import CanonicalJSON

/// The app package that an administrator of Teams uploads: the manifest and two icons.
package struct TeamsAppPackage: Hashable, Sendable {
    /// The manifest.
    package let manifest: JSONValue

    /// The package of a bot whose pages are below a public URL, which Teams wants to be `https`.
    package init(application: String, publicURL: String, version: String) throws(ChannelFault) {
        guard publicURL.utf8.starts(with: "https://".utf8), publicURL.utf8.count <= CardLink.maximumBase else {
            throw ChannelFault(.linkMalformed, "Teams takes apps with pages over TLS only: set public_url to https://…")
        }
        let host = publicURL.utf8.dropFirst(8).prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":")
        }
        let icons: JSONValue = ["color": "color.png", "outline": "outline.png"]
        manifest = [
            "$schema": "https://developer.microsoft.com/en-us/json-schemas/teams/v1.17/MicrosoftTeams.schema.json",
            "accentColor": "#1F3A5F",
            "bots": [
                [
                    "botId": .string(application), "isNotificationOnly": false,
                    "scopes": ["personal", "team", "groupChat"], "supportsFiles": false,
                ]
            ],
            "description": [
                "full":
                    "Shows which actions of AI agents are held, and takes the answers of the people who may decide.",
                "short": "Approve or deny what AI agents want to do",
            ],
            "developer": [
                "name": "Countersign", "privacyUrl": .string(publicURL), "termsOfUseUrl": .string(publicURL),
                "websiteUrl": .string(publicURL),
            ],
            "icons": icons, "id": .string(application), "manifestVersion": "1.17",
            "name": ["full": "Countersign approvals", "short": "Countersign"],
            "validDomains": [.string(String(Substring(host)))], "version": .string(version),
        ]
    }

    /// The archive.
    package var zip: [UInt8] {
        StoredZip.pack([
            ("manifest.json", Array(manifest.prettyText().utf8)), ("color.png", AppIcon.color),
            ("outline.png", AppIcon.outline),
        ])
    }
}
