/// What this is.
package enum Product {
    /// The version, as `--version`, the API and the log lines say it.
    package static let version = "0.1.0"
}
