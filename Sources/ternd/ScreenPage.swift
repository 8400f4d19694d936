/// What of `report.html` stands around the data.
enum ScreenPage {
    static var head: [UInt8] {
        Array("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Screening</title><script type=\"application/json\" id=\"tern-data\">".utf8)
    }
    static var tail: [UInt8] { Array("</script></html>\n".utf8) }
}
