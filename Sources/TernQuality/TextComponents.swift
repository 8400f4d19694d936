import TernImage

/// A connected piece of ink that has the height, the form and the edges of a letter.
struct Glyph {
    /// Columns left ..< right, rows top ..< bottom.
    var left, top, right, bottom: Int
    /// The brightest pixel.
    var peak: Int
    /// Mean level two pixels outside its left and right edges.
    var ground: Int
    /// How many letters it stands for: several where they touch.
    var count = 1
    var height: Int { bottom - top }
    var contrast: Int { peak - ground }
}

/// Limits of what is taken for a letter.
enum GlyphLimit {
    /// Half the side of the window whose mean ink must exceed, and by how many levels.
    static let windowReach = 10
    static let inkMargin = 18
    /// Letters shorter than 5 pixels are not legible; taller ones than 64 are no annotation.
    static let leastHeight = 5
    static let mostHeight = 64
    /// Width in heights: of a letter, and of a word whose letters touch.
    static let mostAspect = 3
    static let mostWordAspect = 16
    /// Runs of ink in a word, in percent of its width: letters cross each row, a bright line does not.
    static let leastWordRunsPercent = 100
    /// Levels by which an edge rises over three pixels, and the share of the contrast that this must be: drawn letters have steep edges, the point
    /// spread of a scanner does not.
    static let leastStep = 36
    static let leastSharpnessPercent = 62
    /// Share of the box that is ink.
    static let leastFillPercent = 12
    static let mostFillPercent = 95
    /// So that the search for lines is bounded in time; the first ones from the top stay.
    static let mostGlyphs = 16_384
}

/// Ink of one row: columns left ..< right.
private struct Run {
    var row, left, right: Int32
    /// Index of a run of the same component that came earlier, its own for the first.
    var parent: Int32
}

/// What is summed over the runs of a component.
private struct Component {
    var left = Int32.max, top = Int32.max, right: Int32 = 0, bottom: Int32 = 0
    var area: Int32 = 0
    var peak: Int32 = 0
    /// Over both ends of each run.
    var steps: Int32 = 0, grounds: Int32 = 0, ends: Int32 = 0
}

/// The letters of a plane that are brighter than their surroundings.
///
/// - Cost: a few passes over the plane; memory for its runs, at most half its pixels.
///
/// - Parameter joinsLetters: takes words whose letters touch, too.
func glyphs(in plane: GreyPlane, joinsLetters: Bool) -> [Glyph] {
    var runs = inkRuns(of: plane)
    connect(&runs)
    var components: [Component] = []
    // Index of the component of each first run.
    var places = [Int32](repeating: -1, count: runs.count)
    for index in runs.indices {
        let root = first(index, &runs)
        if places[root] < 0 {
            places[root] = Int32(components.count)
            components.append(Component())
        }
        components[Int(places[root])].add(runs[index], plane)
    }
    var found: [Glyph] = []
    for component in components {
        guard let glyph = component.glyph, joinsLetters || glyph.count == 1 else { continue }
        found.append(glyph)
        if found.count == GlyphLimit.mostGlyphs { break }
    }
    return found
}

/// Runs of pixels at least `inkMargin` above the mean of the window around them, row by row; the window is cut at the edges.
private func inkRuns(of plane: GreyPlane) -> [Run] {
    let (width, height, reach) = (plane.width, plane.height, GlyphLimit.windowReach)
    var runs: [Run] = []
    var columns = [Int32](repeating: 0, count: width)
    for y in 0..<min(reach, height) {
        for x in 0..<width { columns[x] += Int32(plane.values[y * width + x]) }
    }
    for y in 0..<height {
        if y + reach < height {
            for x in 0..<width { columns[x] += Int32(plane.values[(y + reach) * width + x]) }
        }
        if y > reach {
            for x in 0..<width { columns[x] -= Int32(plane.values[(y - reach - 1) * width + x]) }
        }
        let rowCount = Int32(min(y + reach + 1, height) - max(y - reach, 0))
        var sum: Int32 = 0
        for x in 0..<min(reach, width) { sum += columns[x] }
        var start = -1
        for x in 0..<width {
            if x + reach < width { sum += columns[x + reach] }
            if x > reach { sum -= columns[x - reach - 1] }
            let count = rowCount * Int32(min(x + reach + 1, width) - max(x - reach, 0))
            // value >= ⌊sum / count⌋ + margin without the division.
            let isInk = sum < (Int32(plane.values[y * width + x]) - Int32(GlyphLimit.inkMargin) + 1) * count
            if isInk, start < 0 { start = x }
            if !isInk, start >= 0 {
                runs.append(Run(row: Int32(y), left: Int32(start), right: Int32(x), parent: Int32(runs.count)))
                start = -1
            }
        }
        if start >= 0 { runs.append(Run(row: Int32(y), left: Int32(start), right: Int32(width), parent: Int32(runs.count))) }
    }
    return runs
}

/// Joins runs of neighbouring rows that touch, corners included.
private func connect(_ runs: inout [Run]) {
    // The first run that may lie in the row above, and not end left of the one at hand.
    var above = 0
    for index in runs.indices {
        let run = runs[index]
        while above < index, runs[above].row < run.row - 1 || (runs[above].row == run.row - 1 && runs[above].right < run.left) { above += 1 }
        var other = above
        while other < index, runs[other].row == run.row - 1, runs[other].left <= run.right {
            let (a, b) = (first(index, &runs), first(other, &runs))
            if a < b { runs[b].parent = Int32(a) } else { runs[a].parent = Int32(b) }
            other += 1
        }
    }
}

/// The first run of the component, with the paths to it halved on the way.
private func first(_ index: Int, _ runs: inout [Run]) -> Int {
    var index = index
    while Int(runs[index].parent) != index {
        let parent = Int(runs[index].parent)
        runs[index].parent = runs[parent].parent
        index = parent
    }
    return index
}

extension Component {
    fileprivate mutating func add(_ run: Run, _ plane: GreyPlane) {
        left = min(left, run.left)
        right = max(right, run.right)
        top = min(top, run.row)
        bottom = max(bottom, run.row + 1)
        area += run.right - run.left
        let row = Int(run.row) * plane.width
        let (l, r) = (Int(run.left), Int(run.right) - 1)
        for x in l...r { peak = max(peak, Int32(plane.values[row + x])) }
        // The ink within two pixels of each end, and the pixel two outside.
        let (inner, other) = (Int32(max(plane.values[row + l], plane.values[row + min(l + 1, r)])), Int32(max(plane.values[row + r], plane.values[row + max(r - 1, l)])))
        let (outer, behind) = (Int32(plane.values[row + max(l - 2, 0)]), Int32(plane.values[row + min(r + 2, plane.width - 1)]))
        steps += inner - outer + other - behind
        grounds += outer + behind
        ends += 2
    }

    /// Nil for what is no letter.
    fileprivate var glyph: Glyph? {
        let (width, height) = (Int(right - left), Int(bottom - top))
        guard height >= GlyphLimit.leastHeight, height <= GlyphLimit.mostHeight, width <= GlyphLimit.mostWordAspect * height else { return nil }
        let isWord = width > GlyphLimit.mostAspect * height
        guard !isWord || 50 * Int(ends) >= GlyphLimit.leastWordRunsPercent * width else { return nil }
        let ground = Int(grounds / ends)
        guard steps >= ends * Int32(GlyphLimit.leastStep) else { return nil }
        guard 100 * Int(steps) >= GlyphLimit.leastSharpnessPercent * (Int(peak) - ground) * Int(ends) else { return nil }
        let fill = 100 * Int(area)
        guard fill >= GlyphLimit.leastFillPercent * width * height else { return nil }
        // A narrow full box is an i or a 1.
        guard fill <= GlyphLimit.mostFillPercent * width * height || 5 * width <= 3 * height else { return nil }
        return Glyph(left: Int(left), top: Int(top), right: Int(right), bottom: Int(bottom), peak: Int(peak), ground: ground,
            count: isWord ? width / height : 1)
    }
}
