import CountersignCore
import Testing

@testable import CountersignServer

@Suite("Packs of what well-known tools do", .timeLimit(.minutes(10)))
struct ToolPackTests {
    @Test("no pack says two things of one tool, or anything with a pattern", arguments: ToolPack.allCases)
    func packIsOfExactNames(_ pack: ToolPack) {
        let names = pack.rules.map(\.pattern)
        #expect(Set(names).count == names.count && !names.isEmpty)
        #expect(names.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 == 95 || 97...122 ~= $0 } }, "\(names)")
    }

    /// The tools of services of which somebody should hear, by what makes them grave.
    static let grave: [(ToolPack, Effect?, [String])] = [
        (.github, .read, ["get_file_contents", "pull_request_read", "issue_read", "actions_list", "get_me"]),
        (.github, .delete, ["delete_file", "label_write", "sub_issue_write", "projects_write"]),
        (.github, .export, ["create_gist", "fork_repository"]),
        (.github, .privilege, ["pull_request_review_write", "create_pull_request_review"]),
        (.github, .infrastructure, ["merge_pull_request"]),
        (.github, .execute, ["actions_run_trigger", "run_workflow", "assign_copilot_to_issue"]),
        (.github, nil, ["get_secret_scanning_alert", "list_secret_scanning_alerts", "delete_repository"]),
        (.slack, .read, ["slack_get_channel_history", "conversations_history"]),
        (.slack, .write, ["slack_post_message", "conversations_add_message"]),
        (.slack, .privilege, ["usergroups_users_update", "usergroups_me"]),
        (.slack, nil, ["slack_delete_message"]),
        (.postgres, .read, ["list_schemas", "get_top_queries"]),
        (.postgres, .execute, ["query", "execute_sql", "explain_query", "analyze_query_indexes"]),
        (.postgres, .export, ["analyze_workload_indexes"]),
        (.postgres, nil, ["pg_query"]),
    ]

    @Test(
        "what a service's tools do is named by the gravest of it, and what is not named stays unknown",
        arguments: grave
    )
    func packsOfServices(_ pack: ToolPack, _ effect: Effect?, _ names: [String]) {
        for name in names { #expect(pack.rules.first { $0.matches(name) }?.effect == effect, "\(name)") }
    }
}
