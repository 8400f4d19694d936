import Foundation
import TernPlatform

/// Reads the cases of a folder: a `labels.csv`, or one folder for each class, either of them perhaps inside a folder for each split.
struct FolderReader {
    let folder: String
    let classes: ClassNames

    /// Endings of the files that are images.
    static let endings = [".png", ".jpg", ".jpeg", ".dcm"]
    /// Most bytes of a labels.csv.
    static let limitTableByteCount = 1 << 28

    func cases(split: String?) throws -> [Dataset.Case] {
        let table = folder + "/labels.csv"
        if FileManager.default.fileExists(atPath: table) {
            let rows = try LabelTable(parsing: try readFile(table, limitByteCount: FolderReader.limitTableByteCount), path: table, classes: classes)
            guard let split, !rows.hasSplits, isFolder(folder + "/" + split) else { return try chosen(rows, split: split, path: table) }
        }
        guard let split else { return try classFolders() }
        guard isFolder(folder + "/" + split) else { throw DatasetError.unknownSplit(name: split, splits: folders()) }
        return try FolderReader(folder: folder + "/" + split, classes: classes).cases(split: nil)
    }

    private func chosen(_ table: LabelTable, split: String?, path: String) throws(DatasetError) -> [Dataset.Case] {
        var rows = table.rows
        if let split {
            guard table.hasSplits else { throw .table(path: path, line: 1, .noSplitColumn) }
            rows = rows.filter { $0.split == split }
            guard !rows.isEmpty else { throw .unknownSplit(name: split, splits: Set(table.rows.map(\.split)).sorted()) }
        }
        guard !rows.isEmpty else { throw .noImages(place: path) }
        return rows.map { Dataset.Case(place: $0.file, truth: $0.truth, source: .file($0.file.hasPrefix("/") ? $0.file : folder + "/" + $0.file)) }
    }

    /// One folder for each class, named by its label or its index; files in folders below count too.
    private func classFolders() throws(DatasetError) -> [Dataset.Case] {
        let names = folders()
        var cases: [Dataset.Case] = []
        for name in names {
            guard let truth = classes.index(of: name) else {
                if ["train", "val", "valid", "validation", "test"].contains(name) { throw .splitNeeded(splits: names) }
                throw .unknownFolder(path: folder + "/" + name, labels: classes.names)
            }
            let files = FileManager.default.enumerator(atPath: folder + "/" + name)?.compactMap { $0 as? String } ?? []
            for file in files.sorted() where FolderReader.endings.contains(where: { file.lowercased().hasSuffix($0) }) {
                cases.append(Dataset.Case(place: "\(name)/\(file)", truth: truth, source: .file("\(folder)/\(name)/\(file)")))
            }
        }
        guard !cases.isEmpty else { throw .noImages(place: folder) }
        return cases
    }

    private func folders() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") && isFolder(folder + "/" + $0) }.sorted()
    }
}

/// A table `file,label` or `file,label,split`, with fields in quotes where they hold commas (RFC 4180, without line ends in fields).
struct LabelTable {
    struct Row: Equatable {
        var file: String
        var truth: Int
        var split: String
    }
    let rows: [Row]
    let hasSplits: Bool

    /// - Throws: `DatasetError.table`, naming `path` and the line.
    init(parsing bytes: [UInt8], path: String, classes: ClassNames) throws(DatasetError) {
        guard var text = String(validating: bytes, as: UTF8.self) else { throw .table(path: path, line: 1, .notUTF8) }
        // A byte order mark of a spreadsheet.
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let head = lines.first.map(String.init) ?? ""
        guard head == "file,label" || head == "file,label,split" else { throw .table(path: path, line: 1, .head) }
        hasSplits = head == "file,label,split"
        let fieldCount = hasSplits ? 3 : 2
        var rows: [Row] = []
        for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
            guard let fields = LabelTable.fields(line) else { throw .table(path: path, line: index + 1, .openQuote) }
            guard fields.count == fieldCount else {
                throw .table(path: path, line: index + 1, .fieldCount(expected: fieldCount, found: fields.count))
            }
            guard let truth = classes.index(of: fields[1]) else {
                throw .table(path: path, line: index + 1, .unknownLabel(name: fields[1], labels: classes.names))
            }
            rows.append(Row(file: fields[0], truth: truth, split: hasSplits ? fields[2] : ""))
        }
        self.rows = rows
    }

    /// The fields of a line, nil when a quote stays open.
    static func fields(_ line: Substring) -> [String]? {
        var fields = [""]
        var isQuoted = false
        var previousWasQuote = false
        for character in line {
            switch character {
            case "\"" where isQuoted:
                isQuoted = false
                previousWasQuote = true
                continue
            case "\"" where previousWasQuote:
                // Two quotes inside quotes stand for one.
                fields[fields.count - 1].append("\"")
                isQuoted = true
            case "\"" where fields[fields.count - 1].isEmpty: isQuoted = true
            case "," where !isQuoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
            previousWasQuote = false
        }
        return isQuoted ? nil : fields
    }
}
