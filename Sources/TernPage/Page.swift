import CTernPage

/// The page that shows a screening in a browser, without its data: one file of its own, which loads nothing.
///
/// A report is `head()`, one JSON text `tern.screening/1` in which every `<` is written as `\u003c`, and `tail()`.
public enum Page {
    /// UTF-8, up to the place of the data.
    public static func head() -> [UInt8] {
        // SAFETY: the bytes are a constant of the program, as many as the count says.
        unsafe [UInt8](UnsafeBufferPointer(start: tern_page_head(), count: tern_page_head_count()))
    }

    /// UTF-8, from the end of the data to the end of the file.
    public static func tail() -> [UInt8] {
        // SAFETY: the bytes are a constant of the program, as many as the count says.
        unsafe [UInt8](UnsafeBufferPointer(start: tern_page_tail(), count: tern_page_tail_count()))
    }
}
