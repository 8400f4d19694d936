public import TernFindings
import TernImage
import TernPlatform

/// What became of one file, ready to be written.
public struct ScreenedItem: Equatable, Sendable {
    /// What a person has to do about it, in the order of a worklist.
    public enum Kind: Int, CaseIterable, Equatable, Sendable {
        case finding = 0
        case needsReview = 1
        case notAnalysed = 2
        case noFinding = 3

        public init(_ answer: Answer) {
            switch answer {
            case .finding: self = .finding
            case .needsReview: self = .needsReview
            case .notAnalysed: self = .notAnalysed
            case .noFinding: self = .noFinding
            }
        }
    }
    /// Why the outbox has no object of DICOM of a file.
    public enum MissingObject: Equatable, Sendable {
        /// The file is of another kind, or of none.
        case notDICOM
        /// It does not say which study and instance it is.
        case notIdentified
    }
    public var file: FolderListing.Item
    public var kind: Kind
    /// Where an object was asked for and there is none; said at the end of a start, not recorded.
    public var missingObject: MissingObject?
    /// True for one that ends the program with another code than 0: not analysed, or not as a whole.
    public var isIncomplete: Bool
    /// DICOM's identifiers; empty for other files.
    public var study: [UInt8]
    public var series: [UInt8]
    /// The line of `findings.jsonl`, with its line feed.
    public var line: [UInt8]
    /// The row of `findings.csv`.
    public var row: [UInt8]
    /// The item of the report up to the value of `pictures`.
    public var head: [UInt8]
    /// The value of `pictures` up to that of `full`; empty when there is no picture.
    public var pictureHead: [UInt8]
    /// The whole picture, a JPEG file; empty when there is none.
    public var picture: [UInt8]

    /// - Parameters:
    ///   - index: from 1, in the order of the screening.
    ///   - words: the report in words, English and Chinese; nil when none is made.
    ///   - side: of the decoded image.
    ///   - frame: the one that the pictures show; nil for a file of one.
    ///   - thumbnail: a small picture, a JPEG file, and `picture` a large one; empty for none.
    public init(
        file: FolderListing.Item, index: Int, result: FindingResult, maps: [LocationMap], labels: [String], words: (english: String, chinese: String)?,
        side: (width: Int, height: Int), frame: Int? = nil, thumbnail: [UInt8], picture: [UInt8]
    ) {
        self.file = file
        kind = Kind(result.answer)
        isIncomplete = result.status != .succeeded
        let attributes = result.input.attributes
        study = Array((attributes?.studyInstanceUID ?? "").utf8)
        series = Array((attributes?.seriesInstanceUID ?? "").utf8)
        let path = shownPath(file.path)
        let json = result.json()
        var member = JSONText()
        member.beginObject()
        member.member("path", path)
        // One object of the result and of its path: the brace between them makes way for a comma.
        line = json.dropLast() + [0x2C] + member.utf8.dropFirst() + [0x7D, 0x0A]
        row = ScreeningTable.row(of: result, index: index, path: path, labels: labels)
        var text = JSONText()
        text.beginObject()
        text.member("index", index)
        text.member("path", path)
        text.member("study", attributes?.studyInstanceUID)
        text.member("series", attributes?.seriesInstanceUID)
        text.key("result")
        text.value(json: json)
        text.key("maps")
        text.beginArray()
        for map in maps { text.value(map.inFewPlaces) }
        text.endArray()
        text.key("words")
        if let words {
            text.beginObject()
            text.member(ReportLanguage.english.rawValue, words.english)
            text.member(ReportLanguage.chinese.rawValue, words.chinese)
            text.endObject()
        } else {
            text.null()
        }
        text.key("pictures")
        head = inScript(text.utf8)
        self.picture = picture
        pictureHead = []
        guard !picture.isEmpty else { return }
        var pictures = JSONText()
        pictures.beginObject()
        pictures.member("width", side.width)
        pictures.member("height", side.height)
        if let frame { pictures.member("frame", frame) }
        pictures.member("thumbnail", String(decoding: dataPrefix + Base64.text(thumbnail), as: UTF8.self))
        pictures.key("full")
        pictureHead = pictures.utf8
    }
}

let dataPrefix = Array("data:image/jpeg;base64,".utf8)

/// JSON inside an HTML script element: `<` is written as `\u003c`, so that no text can end the element. It stands in strings alone.
func inScript(_ json: [UInt8]) -> [UInt8] {
    guard json.contains(0x3C) else { return json }
    var safe: [UInt8] = []
    safe.reserveCapacity(json.count + 64)
    for byte in json {
        if byte == 0x3C { safe.append(contentsOf: "\\u003c".utf8) } else { safe.append(byte) }
    }
    return safe
}

extension LocationMap {
    /// The map with values to a thousandth of the largest: more than a colour shows.
    var inFewPlaces: LocationMap {
        var largest: Float = 0
        for value in values { largest = max(largest, value.magnitude) }
        var map = self
        map.values = values.map { Self.rounded($0, largest) }
        return map
    }

    /// As few decimal places as tell a thousandth of the largest.
    private static func rounded(_ value: Float, _ largest: Float) -> Float {
        guard largest > 0, largest.isFinite else { return 0 }
        var scale: Float = 1
        while largest * scale < 1000, scale < 1e12 { scale *= 10 }
        let count = (value * scale).rounded()
        return count == 0 ? 0 : count / scale
    }
}
