import Foundation

/// The patches of a prepared image: a grid of whole patches that covers it.
public struct PatchGrid: Equatable, Sendable {
    public let columns, rows: Int
    /// Of the prepared image, f32 [channels, height, width].
    public let channels, height, width: Int

    /// Nil unless the grid divides the image.
    public init?(columns: Int, rows: Int, channels: Int, height: Int, width: Int) {
        guard columns > 0, rows > 0, channels > 0, height > 0, width > 0, height % rows == 0, width % columns == 0 else { return nil }
        (self.columns, self.rows, self.channels, self.height, self.width) = (columns, rows, channels, height, width)
    }

    public var count: Int { columns * rows }
    public var valueCount: Int { channels * height * width }

    /// Replaces one patch of `image` by that of `source`.
    ///
    /// - Precondition: `patch` is one of the grid; both images have its values.
    public func copy(_ patch: Int, from source: [Float], into image: inout [Float]) {
        precondition((0..<count).contains(patch) && source.count == valueCount && image.count == valueCount, "a patch of two images of the grid")
        let (patchHeight, patchWidth) = (height / rows, width / columns)
        let (top, left) = (patch / columns * patchHeight, patch % columns * patchWidth)
        for channel in 0..<channels {
            for row in top..<(top + patchHeight) {
                let start = (channel * height + row) * width + left
                for index in start..<(start + patchWidth) { image[index] = source[index] }
            }
        }
    }
}

/// What stands in the place of what is taken away.
public enum Absence: String, CaseIterable, Sendable {
    /// The image's own mean in every channel: brightness stays, structure goes.
    case mean
    /// The image through a Gaussian whose deviation is a patch's side: details go, their neighbourhood's brightness stays.
    case blur
    /// The value 0 of the prepared input, the grey of the training images' mean.
    case zero

    /// The image without anything that a patch could show.
    ///
    /// - Precondition: `image` has the grid's values.
    public func image(of image: [Float], _ grid: PatchGrid) -> [Float] {
        precondition(image.count == grid.valueCount, "an image of the grid")
        let plane = grid.height * grid.width
        switch self {
        case .zero: return [Float](repeating: 0, count: image.count)
        case .mean:
            var result: [Float] = []
            for channel in 0..<grid.channels {
                let sum = image[(channel * plane)..<((channel + 1) * plane)].reduce(0.0) { $0 + Double($1) }
                result += [Float](repeating: Float(sum / Double(plane)), count: plane)
            }
            return result
        case .blur:
            let (down, across) = (gaussian(Double(grid.height / grid.rows)), gaussian(Double(grid.width / grid.columns)))
            var result: [Float] = []
            for channel in 0..<grid.channels {
                let one = Array(image[(channel * plane)..<((channel + 1) * plane)])
                let rows = blurred(one, across, count: grid.width, step: 1, lines: grid.height, lineStep: grid.width)
                result += blurred(rows, down, count: grid.height, step: grid.width, lines: grid.width, lineStep: 1)
            }
            return result
        }
    }
}

/// The weights -3 … 3 deviations of a Gaussian in whole pixels, sum 1.
private func gaussian(_ deviation: Double) -> [Double] {
    let reach = Int((3 * deviation).rounded(.up))
    let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
}

/// Each line through the weights; beyond its ends stands its last value.
private func blurred(_ plane: [Float], _ weights: [Double], count: Int, step: Int, lines: Int, lineStep: Int) -> [Float] {
    var result = plane
    let reach = weights.count / 2
    for line in 0..<lines {
        let start = line * lineStep
        for index in 0..<count {
            var sum = 0.0
            for (tap, weight) in weights.enumerated() {
                let place = min(max(index + tap - reach, 0), count - 1)
                sum += weight * Double(plane[start + place * step])
            }
            result[start + index * step] = Float(sum)
        }
    }
    return result
}

/// The order in which patches are taken away or put back, and how a score follows.
public struct Perturbation: Sendable {
    public let grid: PatchGrid
    /// How many patches are changed at each point of a curve: ascending, from 0 to all.
    public let counts: [Int]

    /// - Parameter steps: points of a curve after the first, at most one a patch.
    public init(grid: PatchGrid, steps: Int) {
        self.grid = grid
        let steps = min(max(steps, 1), grid.count)
        counts = (0...steps).map { ($0 * grid.count + steps / 2) / steps }
    }

    /// Patches by falling value, those of one value by their place.
    public static func order(by values: [Float]) -> [Int] {
        values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
    }

    /// A random order, the same for one seed and one image on every machine.
    public static func randomOrder(count: Int, seed: Int, image: Int) -> [Int] {
        var generator = SplitMix(state: UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: image))
        return (0..<count).shuffled(using: &generator)
    }

    /// The images at the points of a curve: the patches of `start` are replaced in order by those of `end`.
    ///
    /// Deletion is from the image to its absence, insertion from the absence to the image (Petsiuk et al. 2018, arXiv:1806.07421, section 4).
    ///
    /// - Parameter order: every patch once.
    public func walk(from start: [Float], to end: [Float], order: [Int]) -> Walk {
        precondition(order.count == grid.count, "every patch once")
        return Walk(grid: grid, counts: counts, end: end, order: order, image: start)
    }

    /// Gives one image after the other, `counts.count` in all.
    public struct Walk: Sendable {
        fileprivate let grid: PatchGrid
        fileprivate let counts: [Int]
        fileprivate let end: [Float]
        fileprivate let order: [Int]
        fileprivate var image: [Float]
        fileprivate var changed = 0
        fileprivate var point = 0

        fileprivate init(grid: PatchGrid, counts: [Int], end: [Float], order: [Int], image: [Float]) {
            (self.grid, self.counts, self.end, self.order, self.image) = (grid, counts, end, order, image)
        }

        /// The next image; nil after the last.
        public mutating func next() -> [Float]? {
            guard point < counts.count else { return nil }
            while changed < counts[point] {
                grid.copy(order[changed], from: end, into: &image)
                changed += 1
            }
            point += 1
            return image
        }
    }

    /// The area under a curve over the share of changed patches, 0 … 1, by trapezia.
    public func area(_ curve: [Double]) -> Double {
        var sum = 0.0
        for index in 1..<counts.count { sum += Double(counts[index] - counts[index - 1]) * (curve[index] + curve[index - 1]) / 2 }
        return sum / Double(grid.count)
    }
}
