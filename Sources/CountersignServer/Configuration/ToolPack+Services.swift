import CountersignCore

extension ToolPack {
    /// `github/github-mcp-server`, its toolsets of before they were joined, too, and `@modelcontextprotocol/server-github`.
    ///
    /// Alerts of secret scanning are left out, and so unknown: what they return are credentials.
    static let githubTable: [(Effect, [String])] = [
        (
            .read,
            [
                "actions_get", "actions_list", "download_workflow_run_artifact", "get_code_scanning_alert",
                "get_commit",
                "get_copilot_space", "get_dependabot_alert", "get_discussion", "get_discussion_comments",
                "get_file_contents", "get_gist", "get_global_security_advisory", "get_issue", "get_job_logs",
                "get_label", "get_latest_release", "get_me", "get_notification_details", "get_project",
                "get_project_field", "get_project_item", "get_pull_request", "get_pull_request_comments",
                "get_pull_request_files", "get_pull_request_reviews", "get_pull_request_status",
                "get_release_by_tag", "get_repository_tree", "get_tag", "get_team_members", "get_teams",
                "get_workflow_run", "get_workflow_run_logs", "get_workflow_run_usage", "issue_read",
                "list_branches", "list_code_scanning_alerts", "list_commits", "list_copilot_spaces",
                "list_dependabot_alerts", "list_discussion_categories", "list_discussions", "list_gists",
                "list_global_security_advisories", "list_issue_types", "list_issues", "list_label",
                "list_notifications", "list_org_repository_security_advisories", "list_project_fields",
                "list_project_items", "list_projects", "list_pull_requests", "list_releases",
                "list_repository_security_advisories", "list_starred_repositories", "list_tags",
                "list_workflow_jobs", "list_workflow_run_artifacts", "list_workflow_runs", "list_workflows",
                "projects_get", "projects_list", "pull_request_read", "search_code", "search_issues",
                "search_orgs", "search_pull_requests", "search_repositories", "search_users",
            ]
        ),
        (
            // What they overwrite stays in the history of the repository or of the issue.
            .write,
            [
                "add_comment_to_pending_review", "add_issue_comment", "add_project_item",
                "add_reply_to_pull_request_comment", "create_branch", "create_issue", "create_or_update_file",
                "create_pull_request", "create_repository", "dismiss_notification", "issue_write",
                "mark_all_notifications_read", "push_files", "request_copilot_review", "star_repository",
                "update_issue", "update_project_item", "update_pull_request", "update_pull_request_branch",
            ]
        ),
        (
            // Those with several methods, by the gravest of them.
            .delete,
            [
                "delete_file", "delete_project_item", "delete_workflow_run_logs", "label_write",
                "manage_notification_subscription", "manage_repository_notification_subscription", "projects_write",
                "sub_issue_write", "unstar_repository",
            ]
        ),
        // They take content out of its repository, to where others may read it.
        (.export, ["create_gist", "fork_repository", "github_support_docs_search", "update_gist"]),
        // A review can approve, which is what a protected branch waits for.
        (.privilege, ["create_pull_request_review", "pull_request_review_write"]),
        // What is merged is what is built and released.
        (.infrastructure, ["merge_pull_request"]),
        (
            // They start, stop or repeat workflows, or set another agent to work.
            .execute,
            [
                "actions_run_trigger", "assign_copilot_to_issue", "cancel_workflow_run",
                "create_pull_request_with_copilot", "rerun_failed_jobs", "rerun_workflow_run", "run_workflow",
            ]
        ),
    ]

    /// `@modelcontextprotocol/server-slack` and `korotovsky/slack-mcp-server`.
    static let slackTable: [(Effect, [String])] = [
        (
            .read,
            [
                "slack_list_channels", "slack_get_channel_history", "slack_get_thread_replies", "slack_get_users",
                "slack_get_user_profile",
                "attachment_get_data", "channels_list", "conversations_history", "conversations_replies",
                "conversations_search_messages", "conversations_unreads", "usergroups_list", "users_search",
            ]
        ),
        (
            .write,
            [
                "slack_post_message", "slack_reply_to_thread", "slack_add_reaction",
                "conversations_add_message", "conversations_mark", "reactions_add", "usergroups_create",
            ]
        ),
        (.delete, ["reactions_remove", "usergroups_update"]),
        // Who is in a group.
        (.privilege, ["usergroups_me", "usergroups_users_update"]),
    ]

    /// `@modelcontextprotocol/server-postgres` and `crystaldba/postgres-mcp`.
    ///
    /// SQL of the agent's own can do whatever the database's role may, also where the server means to run it read-only or
    /// to explain it: a statement ends a transaction, a function does anything.
    static let postgresTable: [(Effect, [String])] = [
        (
            .read,
            [
                "analyze_db_health", "get_object_details", "get_top_queries", "list_objects", "list_schemas",
            ]
        ),
        // By its method `llm` it sends what others asked the database, and its schema, to a model of somebody else's.
        (.export, ["analyze_workload_indexes"]),
        (.execute, ["query", "analyze_query_indexes", "execute_sql", "explain_query"]),
    ]
}
