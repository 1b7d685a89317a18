extension String {
    /// Its beginning: so many Unicode scalars at most, because of characters one alone may have millions.
    package func cut(to scalars: Int) -> String {
        String(String.UnicodeScalarView(unicodeScalars.prefix(scalars)))
    }
}
