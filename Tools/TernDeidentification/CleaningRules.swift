import Foundation
public import TernImage

extension PixelRectangle {
    /// The part inside an image; nil when there is none. Numbers of any size are allowed.
    func clipped(width limitWidth: Int, height limitHeight: Int) -> PixelRectangle? {
        let left = max(x, 0), top = max(y, 0)
        let (right, first) = x.addingReportingOverflow(width)
        let (bottom, second) = y.addingReportingOverflow(height)
        let clipped = (min(first ? limitWidth : right, limitWidth), min(second ? limitHeight : bottom, limitHeight))
        guard left < clipped.0, top < clipped.1 else { return nil }
        return PixelRectangle(x: left, y: top, width: clipped.0 - left, height: clipped.1 - top)
    }
}

/// A rectangle that was filled, and why.
public struct CleanedRectangle: Encodable, Equatable, Sendable {
    /// Why a rectangle was filled.
    public enum Cause: String, Encodable, Sendable {
        /// A rule of the table with rectangles.
        case rule
        /// Outside the regions that an ultrasound image declares.
        case outsideRegions
        /// Found by the text detector.
        case text
    }
    public var rectangle: PixelRectangle
    public var cause: Cause

    private enum Key: String, CodingKey { case x, y, width, height, cause }

    /// One object of five members.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(rectangle.x, forKey: .x)
        try container.encode(rectangle.y, forKey: .y)
        try container.encode(rectangle.width, forKey: .width)
        try container.encode(rectangle.height, forKey: .height)
        try container.encode(cause, forKey: .cause)
    }
}

/// Which devices burn text into which part of the picture.
public struct CleaningRules: Codable, Equatable, Sendable {
    /// One line of the table. What is left out fits every image; every rule that fits is applied.
    public struct Rule: Codable, Equatable, Sendable {
        /// Modality (0008,0060), one of these.
        public var modality: [String]?
        /// A part of Manufacturer (0008,0070), upper and lower case alike.
        public var manufacturer: String?
        /// A part of Manufacturer's Model Name (0008,1090).
        public var model: String?
        public var rows: Int?
        public var columns: Int?
        /// `[x, y, width, height]` each.
        public var rectangles: [[Int]]?
        /// Fills what lies outside every region of the Sequence of Ultrasound Regions (0018,6011), where the image has one.
        public var outsideUltrasoundRegions: Bool?
        /// For people: what was seen there.
        public var note: String?
    }
    public var rules: [Rule]

    /// Parses the JSON `{"rules": [...]}`.
    public init(parsing bytes: [UInt8]) throws(CleaningRulesError) {
        do {
            self = try JSONDecoder().decode(CleaningRules.self, from: Data(bytes))
        } catch {
            throw CleaningRulesError(message: "\(error)")
        }
        for (index, rule) in rules.enumerated() {
            for numbers in rule.rectangles ?? [] {
                guard numbers.count == 4, numbers[0] >= 0, numbers[1] >= 0, numbers[2] > 0, numbers[3] > 0 else {
                    throw CleaningRulesError(message: "rule \(index + 1): a rectangle is [x, y, width, height]")
                }
            }
        }
    }

    init(rules: [Rule]) { self.rules = rules }

    /// These rules and more.
    public func adding(_ more: CleaningRules) -> CleaningRules { CleaningRules(rules: rules + more.rules) }

    /// What every installation starts from, as JSON: `tern deidentify --show-rules` prints it.
    public static let builtInText = """
        {"rules": [
          {"modality": ["US", "IVUS"], "outsideUltrasoundRegions": true, "note": "banners and scales lie outside the regions the device declares"}
        ]}

        """
    public static let builtIn = (try? CleaningRules(parsing: Array(builtInText.utf8))) ?? CleaningRules(rules: [])

    /// An image declares at most so many regions; devices declare fewer than ten.
    static let limitRegionCount = 256

    /// Whether a rule with rectangles, be they none, was made for such images: a person has said where their text stands.
    func isRuled(_ facts: DataSetFacts) -> Bool { rules.contains { $0.rectangles != nil && $0.fits(facts) } }

    /// The rectangles for one image, clipped to it.
    func rectangles(for facts: DataSetFacts) -> [CleanedRectangle] {
        var result: [CleanedRectangle] = []
        for rule in rules where rule.fits(facts) {
            for numbers in rule.rectangles ?? [] {
                let rectangle = PixelRectangle(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
                if let clipped = rectangle.clipped(width: facts.columns, height: facts.rows) {
                    result.append(CleanedRectangle(rectangle: clipped, cause: .rule))
                }
            }
            if rule.outsideUltrasoundRegions == true, !result.contains(where: { $0.cause == .outsideRegions }) {
                let regions = facts.ultrasoundRegions.compactMap { $0.clipped(width: facts.columns, height: facts.rows) }
                result += complement(of: regions, width: facts.columns, height: facts.rows).map { CleanedRectangle(rectangle: $0, cause: .outsideRegions) }
            }
        }
        return result
    }
}

extension CleaningRules.Rule {
    func fits(_ facts: DataSetFacts) -> Bool {
        let holds = { (text: String, part: String?) in part.map { text.lowercased().contains($0.lowercased()) } ?? true }
        return modality.map { $0.contains(facts.modality) } ?? true && holds(facts.manufacturer, manufacturer) && holds(facts.model, model)
            && rows.map { $0 == facts.rows } ?? true && columns.map { $0 == facts.columns } ?? true
    }
}

/// What no region covers, as rectangles that do not overlap: bands between the edges of the regions, cut where regions are. Empty without regions.
func complement(of regions: [PixelRectangle], width: Int, height: Int) -> [PixelRectangle] {
    guard !regions.isEmpty else { return [] }
    let edges = Set(regions.flatMap { [$0.y, $0.y + $0.height] } + [0, height]).sorted()
    var result: [PixelRectangle] = []
    for (top, bottom) in zip(edges, edges.dropFirst()) {
        var x = 0
        for region in regions.filter({ $0.y < bottom && $0.y + $0.height > top }).sorted(by: { $0.x < $1.x }) {
            if region.x > x { result.append(PixelRectangle(x: x, y: top, width: region.x - x, height: bottom - top)) }
            x = max(x, region.x + region.width)
        }
        if x < width { result.append(PixelRectangle(x: x, y: top, width: width - x, height: bottom - top)) }
    }
    return result
}

/// Why a table of cleaning rules was refused.
public struct CleaningRulesError: Error, Equatable, Sendable {
    public var message: String
}
