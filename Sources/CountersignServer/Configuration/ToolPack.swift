import CountersignCore

/// What the tools of a well-known server do, by their exact names: a tool that a pack does not name stays unknown.
enum ToolPack: String, CaseIterable {
    /// `@modelcontextprotocol/server-filesystem`.
    case filesystem
    /// `mcp-server-git`.
    case git
    /// `@modelcontextprotocol/server-memory`.
    case memory
    /// `mcp-server-fetch`.
    case fetch
    /// `mcp-server-time`.
    case time
    /// GitHub's server, and the reference server before it.
    case github
    /// The reference server for Slack, and `slack-mcp-server`.
    case slack
    /// The reference server for PostgreSQL, and Postgres MCP Pro.
    case postgres

    /// The rules, after those of the configuration's own.
    var rules: [ToolRule] {
        table.flatMap { effect, names in names.map { ToolRule(pattern: $0, effect: effect) } }
    }

    private var table: [(Effect, [String])] {
        switch self {
        case .filesystem:
            [
                (
                    .read,
                    [
                        "read_file", "read_text_file", "read_media_file", "read_multiple_files", "list_directory",
                        "list_directory_with_sizes", "directory_tree", "search_files", "get_file_info",
                        "list_allowed_directories",
                    ]
                ),
                (.write, ["create_directory"]),
                // They overwrite, or take away from where it was.
                (.delete, ["write_file", "edit_file", "move_file"]),
            ]
        case .git:
            [
                (
                    .read,
                    [
                        "git_status", "git_diff_unstaged", "git_diff_staged", "git_diff", "git_log", "git_show",
                        "git_branch",
                    ]
                ),
                (.write, ["git_add", "git_commit", "git_commit_signed", "git_create_branch"]),
                // What was staged, or lay in the working tree, is not there afterwards.
                (.delete, ["git_reset", "git_checkout"]),
            ]
        case .memory:
            [
                (.read, ["read_graph", "search_nodes", "open_nodes"]),
                (.write, ["create_entities", "create_relations", "add_observations"]),
                (.delete, ["delete_entities", "delete_observations", "delete_relations"]),
            ]
        // An address that an agent chooses is how data leaves a machine that may only fetch.
        case .fetch: [(.export, ["fetch"])]
        case .time: [(.read, ["get_current_time", "convert_time"])]
        case .github: Self.githubTable
        case .slack: Self.slackTable
        case .postgres: Self.postgresTable
        }
    }
}
