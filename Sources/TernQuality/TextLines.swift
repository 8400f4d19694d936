/// A row of letters that stand beside each other.
struct TextLine {
    /// Columns left ..< right, rows top ..< bottom.
    var left, top, right, bottom: Int
    var glyphCount: Int
    var peak: Int
    /// Height of its tallest letter.
    var letterHeight: Int
    var contrast: Int
    /// Whether its letters stand on one base line and have one brightness, as written ones do.
    var isLevel: Bool

    /// Whether a line of few letters belongs to this one: near it, of its size and of its brightness.
    func attracts(_ other: TextLine) -> Bool {
        // A pair may stand three letters away, a single letter one and a half.
        let reach = (other.glyphCount > 1 ? 6 : 3) * letterHeight / 2
        guard other.left - right <= reach, left - other.right <= reach, other.top - bottom <= reach, top - other.bottom <= reach else { return false }
        guard 2 * other.letterHeight >= letterHeight, other.letterHeight <= 2 * letterHeight else { return false }
        return 4 * abs(other.peak - peak) <= max(other.contrast, contrast)
    }
}

/// Joins letters to lines: neighbours of like height and brightness on one base line or under one top line, at most a letter's height apart.
///
/// - Cost: bounded by the letters within 256 rows and 64 columns of each letter.
func lines(of glyphs: [Glyph]) -> [TextLine] {
    let sorted = glyphs.sorted { $0.left < $1.left }
    var parents = Array(sorted.indices)
    func first(_ index: Int) -> Int {
        var index = index
        while parents[index] != index {
            parents[index] = parents[parents[index]]
            index = parents[index]
        }
        return index
    }
    // Indices of the letters that start in each band of rows, ascending.
    let band = GlyphLimit.mostHeight
    var bands = [[Int]](repeating: [], count: (sorted.map { $0.top }.max() ?? 0) / band + 1)
    for (index, glyph) in sorted.enumerated() { bands[glyph.top / band].append(index) }
    for (index, glyph) in sorted.enumerated() {
        for number in max(glyph.top / band - 1, 0)...min(glyph.top / band + 1, bands.count - 1) {
            let members = bands[number]
            var (low, high) = (0, members.count)
            while low < high {
                let middle = (low + high) / 2
                if members[middle] <= index { low = middle + 1 } else { high = middle }
            }
            for other in members[low...] {
                guard sorted[other].left - glyph.right <= band else { break }
                if areNeighbours(glyph, sorted[other]) { parents[first(index)] = first(other) }
            }
        }
    }
    var members: [[Glyph]] = []
    var places = [Int](repeating: -1, count: sorted.count)
    for (index, glyph) in sorted.enumerated() {
        let root = first(index)
        if places[root] < 0 {
            places[root] = members.count
            members.append([])
        }
        members[places[root]].append(glyph)
    }
    return members.map { TextLine($0) }
}

private func areNeighbours(_ a: Glyph, _ b: Glyph) -> Bool {
    let (taller, shorter) = (max(a.height, b.height), min(a.height, b.height))
    guard b.left - a.right <= taller, taller <= 2 * shorter else { return false }
    guard 5 * (min(a.bottom, b.bottom) - max(a.top, b.top)) >= 3 * shorter else { return false }
    let slack = 22 * taller + 100
    guard 100 * abs(a.bottom - b.bottom) <= slack || 100 * abs(a.top - b.top) <= slack else { return false }
    return 4 * abs(a.peak - b.peak) <= max(a.contrast, b.contrast)
}

extension TextLine {
    /// - Precondition: there is a letter.
    fileprivate init(_ glyphs: [Glyph]) {
        let heights = glyphs.map { $0.height }.sorted()
        let bottoms = glyphs.map { $0.bottom }.sorted()
        let (height, base) = (heights[heights.count / 2], bottoms[bottoms.count / 2])
        self.init(
            left: .max, top: .max, right: 0, bottom: 0, glyphCount: glyphs.reduce(0) { $0 + $1.count }, peak: 0, letterHeight: heights[heights.count - 1], contrast: 0,
            isLevel: false)
        for glyph in glyphs {
            left = min(left, glyph.left)
            top = min(top, glyph.top)
            right = max(right, glyph.right)
            bottom = max(bottom, glyph.bottom)
            peak = max(peak, glyph.peak)
            contrast = max(contrast, glyph.contrast)
        }
        let standing = glyphs.reduce(0) { $0 + (100 * abs($1.bottom - base) <= 14 * height + 100 ? 1 : 0) }
        let bright = glyphs.reduce(0) { $0 + (5 * (peak - $1.peak) <= contrast ? 1 : 0) }
        // Texture strings up letters that drift and flicker; two thirds of written ones stand on the line, and four of five have its ink.
        isLevel = 3 * standing >= 2 * glyphs.count && 5 * bright >= 4 * glyphs.count && bottom - top <= 2 * height
    }
}
