public import TernFindings

/// A part of a report in words.
public struct ReportSection: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// How the image was made and read, and whether it is fit.
        case technique
        /// Structure after structure in the order of the body region.
        case findings
        case conclusion
        case suggestion
    }
    public var kind: Kind
    public var heading: String
    /// One paragraph each, without line feeds.
    public var lines: [String]
}

/// The report in words: deterministic, from a result and what is known of its model.
///
/// Every number in it is a number of the result's JSON, in the same digits. What the model was not trained for is said to be not assessed.
/// Texts of the model's card are repeated between quotation marks, in their language.
public enum ReportWords {
    /// The whole report: title, sections with their headings, UTF-8 lines ended by line feeds.
    public static func text(of result: FindingResult, model: ReportModel, language: ReportLanguage) -> String {
        var text = ""
        for line in title(of: model, language: language) { text += line + "\n" }
        for section in sections(of: result, model: model, language: language) {
            text += "\n" + section.heading + "\n"
            for line in section.lines { text += line + "\n" }
        }
        return text
    }

    /// The title, and the line that says who wrote the report.
    public static func title(of model: ReportModel, language: ReportLanguage) -> [String] {
        var words = WordsText(language)
        let region = RegionWords(model.region)
        if words.isChinese {
            words.add(region.title.chinese + "人工智能阅片报告")
        } else {
            words.add("AI READING REPORT" + (region.title.english.isEmpty ? "" : ": ") + region.title.english)
        }
        words.endLine()
        words.say("Written by a program; no human has checked it.", "本报告由程序自动生成，未经医师审核。")
        words.endLine()
        return words.lines
    }

    /// Technique and quality, findings, conclusion, suggestion: always these four, in this order.
    public static func sections(of result: FindingResult, model: ReportModel, language: ReportLanguage) -> [ReportSection] {
        let kinds: [ReportSection.Kind] = [.technique, .findings, .conclusion, .suggestion]
        return kinds.map { kind in
            var words = WordsText(language)
            switch kind {
            case .technique: words.writeTechnique(result, model)
            case .findings: words.writeFindings(result, model)
            case .conclusion: words.writeConclusion(result, model)
            case .suggestion: words.writeSuggestion(result, model)
            }
            return ReportSection(kind: kind, heading: heading(kind, language), lines: words.lines)
        }
    }

    private static func heading(_ kind: ReportSection.Kind, _ language: ReportLanguage) -> String {
        let isChinese = language == .chinese
        switch kind {
        case .technique: return isChinese ? "检查技术" : "TECHNIQUE AND QUALITY"
        case .findings: return isChinese ? "影像所见" : "FINDINGS"
        case .conclusion: return isChinese ? "结论" : "CONCLUSION"
        case .suggestion: return isChinese ? "建议" : "SUGGESTION"
        }
    }
}
