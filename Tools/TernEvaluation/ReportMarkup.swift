/// Pieces of the page. The whole page is well-formed XML and HTML at once.
enum Markup {
    /// Text or an attribute's value.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // XML 1.0 section 2.2 has no other control characters.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": result += " "
            case "\u{7F}", "\u{FFFE}", "\u{FFFF}": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A figure that carries its exact value and its path in the JSON of `tern eval --json`.
    static func figure(_ key: String, _ value: Double?, _ decimals: Int = 3) -> String {
        guard let value, value.isFinite else { return "<span class=\"none\">undefined</span>" }
        return "<data data-key=\"\(key)\" value=\"\(value)\">\(fixed(value, decimals))</data>"
    }

    /// A share as per cent with one decimal.
    static func percent(_ key: String, _ value: Double?) -> String {
        guard let value, value.isFinite else { return "<span class=\"none\">undefined</span>" }
        return "<data data-key=\"\(key)\" value=\"\(value)\">\(fixed(value * 100, 1))\u{202F}%</data>"
    }

    static func count(_ key: String, _ value: Int) -> String { "<data data-key=\"\(key)\" value=\"\(value)\">\(value)</data>" }

    /// A figure with its interval behind it.
    static func interval(_ key: String, _ interval: Interval?, isShare: Bool) -> String {
        Markup.interval(key, interval.map { Estimate($0) }, isShare: isShare)
    }

    /// A figure with its interval behind it, or that none was computed.
    static func interval(_ key: String, _ estimate: Estimate?, isShare: Bool) -> String {
        guard let estimate else { return figure(key, nil) }
        func one(_ end: String, _ value: Double) -> String { isShare ? percent("\(key).\(end)", value) : figure("\(key).\(end)", value) }
        let ends = estimate.interval.map { "\(one("low", $0.lowerBound)) to \(one("high", $0.upperBound))" } ?? "interval not computed"
        return "\(one("value", estimate.value)) <span class=\"interval\">\(ends)</span>"
    }

    /// A table with one head row; caption and cells are markup, the first of a row its head.
    static func table(caption: String, head: [String], rows: [[String]]) -> String {
        let heads = head.map { "<th scope=\"col\">\($0)</th>" }.joined()
        let body = rows.map { row in
            "<tr>" + row.enumerated().map { $0 == 0 ? "<th scope=\"row\">\($1)</th>" : "<td>\($1)</td>" }.joined() + "</tr>"
        }
        return """
            <div class="block"><p class="caption">\(caption)</p>
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table>
            <thead><tr>\(heads)</tr></thead>
            <tbody>\(body.joined(separator: "\n"))</tbody></table></div></div>

            """
    }
}
