import TernFindings
import TernImage

/// `findings.csv`: a row a file, its columns the same for all files of a model.
public enum ScreeningTable {
    /// The columns before those of the labels.
    static let columns = [
        "index", "path", "answer", "reason_code", "reason", "label", "score", "threshold", "call", "tier", "frame", "out_of_distribution", "status", "kind", "frames",
        "study_instance_uid", "series_instance_uid", "sop_instance_uid", "sha256", "id", "time",
    ]

    /// The mark and the names of the columns.
    ///
    /// - Parameter labels: the reported ones, in the order of the model.
    public static func head(labels: [String]) -> [UInt8] {
        var text = CSVText()
        for column in columns { text.cell(column) }
        for label in labels {
            text.cell("score: " + label)
            text.cell("call: " + label)
        }
        text.endRow()
        return CSVText.byteOrderMark + text.utf8
    }

    /// The row of a file. `label` to `frame` are of the finding that matters most: a positive call, else one for review, of these the highest score.
    static func row(of result: FindingResult, index: Int, path: String, labels: [String]) -> [UInt8] {
        var text = CSVText()
        text.cell(index)
        text.cell(path)
        text.cell(result.answer.rawValue)
        let reason = result.answer.reason ?? result.reason
        text.cell(reason?.value ?? "")
        text.cell(reason?.meaning ?? "")
        let first = mostUrgent(result.findings)
        text.cell(first?.label ?? "")
        text.cell(first?.score)
        text.cell(first?.threshold)
        text.cell(first?.call.rawValue ?? "")
        text.cell(first?.tier.rawValue ?? "")
        text.cell(first?.frame)
        let flagged = result.outOfDistribution?.isFlagged ?? result.input.frames?.flagged.map { $0 > 0 }
        text.cell(flagged.map { $0 ? "yes" : "no" } ?? "")
        text.cell(result.status.rawValue)
        text.cell(result.input.kind?.rawValue ?? "")
        text.cell(result.input.frames?.count ?? (result.quality == nil ? nil : 1))
        text.cell(result.input.attributes?.studyInstanceUID ?? "")
        text.cell(result.input.attributes?.seriesInstanceUID ?? "")
        text.cell(result.input.sopInstanceUID ?? "")
        text.cell(result.input.sha256 ?? "")
        text.cell(result.id)
        text.cell(result.time)
        for label in labels {
            let finding = result.findings.first { $0.label == label }
            text.cell(finding?.score)
            text.cell(finding?.call.rawValue ?? "")
        }
        text.endRow()
        return text.utf8
    }

    private static func mostUrgent(_ findings: [Finding]) -> Finding? {
        func rank(_ finding: Finding) -> Int { finding.call == .positive ? 2 : finding.call == .review ? 1 : 0 }
        var best: Finding?
        for finding in findings {
            guard let current = best else {
                best = finding
                continue
            }
            if rank(finding) > rank(current) || rank(finding) == rank(current) && finding.score > current.score { best = finding }
        }
        return best
    }
}
