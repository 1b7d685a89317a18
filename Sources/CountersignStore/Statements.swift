import CountersignCore
import GRDB
import GRDBSQLite

/// A value for one of SQLite's parameters.
enum StoreValue {
    case integer(Int64)
    case text(String)
    case blob([UInt8])
    case null

    /// Text, or NULL.
    init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    /// A moment in microseconds, or NULL.
    init(microseconds: Int64?) { self = microseconds.map { .integer($0) } ?? .null }
}

/// The row that a statement stands on; only valid inside the closure that is given it.
///
/// Columns are read straight from SQLite: no boxing, no `Data`.
struct StoreRow {
    private let statement: Statement

    init(_ statement: Statement) { self.statement = statement }

    /// The integer in a column.
    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(statement.sqliteStatement, column) }

    /// The number in a column that counts something or names a place, which another program may have made negative.
    func count(_ column: Int32, _ what: String) throws(LedgerError) -> UInt64 {
        let number = integer(column)
        guard let count = UInt64(exactly: number) else {
            throw LedgerError(.corrupt, "\(what) is \(number) in the ledger's file, which another program changed")
        }
        return count
    }

    /// Whether a column is NULL.
    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(statement.sqliteStatement, column) == SQLITE_NULL
    }

    /// The bytes in a column, of a text or a blob.
    func bytes(_ column: Int32) -> [UInt8] {
        // The pointer must be asked for before the count: asking can convert the value.
        let start = unsafe sqlite3_column_blob(statement.sqliteStatement, column)
        let count = unsafe sqlite3_column_bytes(statement.sqliteStatement, column)
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(count)))
    }

    /// The text in a column.
    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }
}

extension Database {
    /// Runs a statement for its effect; the number of rows that it changed.
    @discardableResult
    func run(_ sql: String, _ values: [StoreValue] = []) throws -> Int {
        let statement = try cachedStatement(sql: sql)
        try statement.stepAll(values) { _ in false }
        return unsafe Int(sqlite3_changes(sqliteConnection))
    }

    /// Every row of a query, each as `read` makes it.
    func rows<Item>(
        _ sql: String,
        _ values: [StoreValue] = [],
        _ read: (StoreRow) throws -> Item,
    ) throws -> [Item] {
        var items = [Item]()
        try cachedStatement(sql: sql).stepAll(values) { row in
            items.append(try read(row))
            return true
        }
        return items
    }

    /// Visits the rows of a query until `visit` says false.
    func each(_ sql: String, _ values: [StoreValue], _ visit: (StoreRow) throws -> Bool) throws {
        try cachedStatement(sql: sql).stepAll(values, visit)
    }

    /// The first row of a query.
    func first<Item>(
        _ sql: String,
        _ values: [StoreValue] = [],
        _ read: (StoreRow) throws -> Item,
    ) throws -> Item? {
        var item: Item?
        try cachedStatement(sql: sql).stepAll(values) { row in
            item = try read(row)
            return false
        }
        return item
    }
}

extension Statement {
    /// Binds and steps until there are no rows or `visit` says false.
    ///
    /// The statement is always reset, because one that is not would keep its snapshot and stop the write-ahead log from
    /// shrinking.
    fileprivate func stepAll(_ values: [StoreValue], _ visit: (StoreRow) throws -> Bool) throws {
        defer { reset() }
        for (index, value) in values.enumerated() { try bind(Int32(index + 1), value) }
        while try step(), try visit(StoreRow(self)) {}
    }

    /// Ends the statement's run and forgets its values.
    func reset() {
        unsafe sqlite3_reset(sqliteStatement)
        unsafe sqlite3_clear_bindings(sqliteStatement)
    }

    /// Takes a step; whether it came to a row.
    func step() throws -> Bool {
        switch unsafe sqlite3_step(sqliteStatement) {
        case SQLITE_ROW: true
        case SQLITE_DONE: false
        case let code: throw failure(code)
        }
    }

    /// Binds a value; SQLite copies what is not a number.
    func bind(_ index: Int32, _ value: StoreValue) throws {
        switch value {
        case .integer(let number): bind(index, number)
        case .text(let text): bind(index, text)
        case .blob(let bytes):
            let code = unsafe bytes.withUnsafeBytes { buffer in
                // An empty blob is not NULL, so it must have an address.
                unsafe sqlite3_bind_blob64(
                    sqliteStatement,
                    index,
                    buffer.baseAddress ?? UnsafeRawPointer(sqliteStatement),
                    UInt64(buffer.count),
                    Self.transient
                )
            }
            guard code == SQLITE_OK else { throw failure(code) }
        case .null: unsafe sqlite3_bind_null(sqliteStatement, index)
        }
    }

    /// Binds a number.
    func bind(_ index: Int32, _ number: Int64) { unsafe sqlite3_bind_int64(sqliteStatement, index, number) }

    /// Binds a text, which SQLite copies.
    func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { buffer in
            // An empty text is not NULL, so it must have an address.
            guard unsafe buffer.baseAddress != nil else {
                unsafe sqlite3_bind_text(sqliteStatement, index, "", 0, Self.transient)
                return
            }
            _ = unsafe buffer.withMemoryRebound(to: CChar.self) { characters in
                unsafe sqlite3_bind_text64(
                    sqliteStatement,
                    index,
                    characters.baseAddress,
                    UInt64(characters.count),
                    Self.transient,
                    UInt8(SQLITE_UTF8)
                )
            }
        }
    }

    /// What SQLite said about the last step.
    func failure(_ code: Int32) -> DatabaseError {
        let connection = unsafe sqlite3_db_handle(sqliteStatement)
        let message = unsafe sqlite3_errmsg(connection).map { unsafe String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }

    /// SQLITE_TRANSIENT, a macro that Swift does not import: SQLite makes its own copy.
    private static var transient: sqlite3_destructor_type { unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
