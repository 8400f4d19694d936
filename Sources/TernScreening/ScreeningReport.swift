public import TernFindings
import TernPlatform

/// The results that are written at the end, from the journal: memory does not grow with the files.
public struct ScreeningReport {
    /// Pictures are inside the page as long as it stays below this.
    public static let limitPageByteCount = 50_000_000

    public var program: String
    /// RFC 3339, UTC.
    public var time: String
    /// The folder as it was given.
    public var folder: String
    public var model: ReportModel
    /// Files of the folder; more than there are records when the screening was stopped.
    public var fileCount: Int
    public var skipped: FolderListing.Skipped
    /// What of the page stands before the data and behind it.
    public var pageHead: [UInt8]
    public var pageTail: [UInt8]
    /// For tests of the side folder.
    public var limitPageByteCount = Self.limitPageByteCount

    public init(
        program: String, time: String, folder: String, model: ReportModel, fileCount: Int, skipped: FolderListing.Skipped, pageHead: [UInt8], pageTail: [UInt8]
    ) {
        self.program = program
        self.time = time
        self.folder = folder
        self.model = model
        self.fileCount = fileCount
        self.skipped = skipped
        self.pageHead = pageHead
        self.pageTail = pageTail
    }

    /// Writes `findings.csv` and `report.html`, each whole or not at all.
    ///
    /// - Throws: `ScreeningError.system`.
    public func write(_ journal: ScreeningJournal) throws(ScreeningError) {
        do throws(PlatformError) {
            let order = try journal.groupedRecords()
            try writeTable(journal, order)
            try writePage(journal, order)
        } catch {
            throw ScreeningError(error, .results)
        }
    }

    private func writeTable(_ journal: ScreeningJournal, _ order: [Int]) throws(PlatformError) {
        let file = try StagedFile(path: journal.folder + "/" + ScreeningJournal.tableName)
        try file.write(ScreeningTable.head(labels: model.labels.filter { $0.isReported }.map { $0.name }))
        for index in order { try file.write(try journal.part(.row, of: journal.records[index])) }
        try file.finish()
    }

    private func writePage(_ journal: ScreeningJournal, _ order: [Int]) throws(PlatformError) {
        let head = dataHead
        var inside = pageHead.count + pageTail.count + head.count + 8
        for record in journal.records {
            inside += record.counts[ScreeningRecord.Part.head.rawValue] + record.counts[ScreeningRecord.Part.pictureHead.rawValue] + 8
            if record.pictureByteCount > 0 { inside += dataPrefix.count + Base64.characterCount(byteCount: record.pictureByteCount) }
        }
        let isBeside = inside > limitPageByteCount
        if isBeside { try writePictures(journal) }
        let file = try StagedFile(path: journal.folder + "/" + ScreeningJournal.pageName)
        try file.write(pageHead)
        try file.write(head)
        for (place, index) in order.enumerated() {
            let record = journal.records[index]
            if place > 0 { try file.write([0x2C, 0x0A]) }
            try file.write(try journal.part(.head, of: record))
            guard record.pictureByteCount > 0 else {
                try file.write(Array("null}".utf8))
                continue
            }
            try file.write(try journal.part(.pictureHead, of: record))
            try file.write([0x22])
            if isBeside {
                try file.write(Array((ScreeningJournal.picturesName + "/" + Self.pictureName(index)).utf8))
            } else {
                try file.write(dataPrefix)
                try file.write(Base64.text(try journal.picture(of: record)))
            }
            try file.write(Array("\"}}".utf8))
        }
        try file.write(Array("]}".utf8))
        try file.write(pageTail)
        try file.finish()
    }

    /// Puts every picture into a file of its own, unless it is there.
    private func writePictures(_ journal: ScreeningJournal) throws(PlatformError) {
        let folder = journal.folder + "/" + ScreeningJournal.picturesName
        try makeDirectory(folder, mode: 0o750)
        for (index, record) in journal.records.enumerated() where record.pictureByteCount > 0 {
            let path = folder + "/" + Self.pictureName(index)
            if let there = try? Tree.look(Array(path.utf8)), there.kind == .file, there.byteCount == record.pictureByteCount { continue }
            let file = try StagedFile(path: path)
            try file.write(try journal.picture(of: record))
            try file.finish()
        }
    }

    /// `000001.jpg` for the first.
    static func pictureName(_ index: Int) -> String {
        var digits = String(index + 1)
        while digits.utf8.count < 6 { digits = "0" + digits }
        return digits + ".jpg"
    }

    /// The data up to the first item.
    private var dataHead: [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.member("schema", "tern.screening/1")
        text.member("time", time)
        text.member("program", program)
        text.member("folder", folder)
        text.member("files", fileCount)
        text.key("skipped")
        text.beginObject()
        text.member("hidden", skipped.hidden)
        text.member("links", skipped.links)
        text.member("others", skipped.others)
        text.member("unreadable", skipped.unreadable)
        text.member("tooDeep", skipped.tooDeep)
        text.endObject()
        text.key("model")
        text.value(model)
        text.key("items")
        return inScript(text.utf8) + [0x5B, 0x0A]
    }
}

extension JSONText {
    fileprivate mutating func value(_ model: ReportModel) {
        beginObject()
        members(of: model.reference)
        member("title", model.title)
        member("intendedUse", model.intendedUse)
        member("notIntendedUse", model.notIntendedUse)
        key("limits")
        beginArray()
        for limit in model.limits { value(limit) }
        endArray()
        member("modality", model.modality)
        member("region", model.region?.key)
        member("confirmed", model.isConfirmed)
        member("tiersMeasuredOn", model.tiersMeasuredOn)
        member("conformalLevel", model.conformalLevel)
        key("labels")
        beginArray()
        for label in model.labels { value(label) }
        endArray()
        endObject()
    }

    private mutating func value(_ label: ReportLabel) {
        beginObject()
        member("name", label.name)
        member("chineseName", label.chineseName)
        key("code")
        value(label.code)
        member("structure", label.structure)
        member("reported", label.isReported)
        key("operatingPoint")
        if let point = label.operatingPoint {
            beginObject()
            member("name", point.name)
            member("threshold", point.threshold)
            share("sensitivity", point.sensitivity)
            share("specificity", point.specificity)
            member("positives", point.positives)
            member("negatives", point.negatives)
            endObject()
        } else {
            null()
        }
        key("tiers")
        beginArray()
        for tier in label.tiers { value(tier) }
        endArray()
        endObject()
    }

    private mutating func value(_ tier: ReportTier) {
        beginObject()
        member("tier", tier.tier.rawValue)
        member("positives", tier.positives)
        member("rightPositives", tier.rightPositives)
        member("negatives", tier.negatives)
        member("rightNegatives", tier.rightNegatives)
        endObject()
    }

    private mutating func share(_ name: String, _ share: ReportOperatingPoint.Share?) {
        key(name)
        guard let share else { return null() }
        beginObject()
        member("value", share.value)
        member("low", share.low)
        member("high", share.high)
        endObject()
    }
}
