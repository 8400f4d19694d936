public import TernFindings
public import TernImage

/// When a part of a map is a region.
public enum RegionRule {
    /// A patch counts when it holds so many times what it would if all that speaks for the finding were spread evenly.
    public static let limitConcentration: Double = 2
    /// A region holds so much of all that speaks for the finding.
    public static let limitShare: Double = 0.1
    /// What speaks for the finding is at least so much of all that speaks for or against it: what little speaks for what the model denies is no region.
    public static let limitBalance: Double = 0.25
    /// Regions of one finding; the smaller ones are left out.
    public static let limitCount = 4
}

extension FindingLocation {
    /// Finds the regions of a map.
    ///
    /// What speaks for the finding is the sum of the map's positive values; below `RegionRule.limitBalance` of the sum of all magnitudes there is no region. A
    /// patch counts when its part of that sum is at least
    /// `RegionRule.limitConcentration` / (columns * rows). Patches that count and touch, by a corner too, are one region; one with less than
    /// `RegionRule.limitShare` of the sum is left out. A region's box is the smallest that covers its patches, in whole pixels; pixels that a patch covers in
    /// part belong to it.
    ///
    /// - Parameters:
    ///   - map: columns * rows finite values over an area within the image.
    ///   - imageWidth, imageHeight: of the decoded image.
    ///   - attributes: what the file says of scale, laterality and orientation.
    /// - Precondition: the map has as many values as patches.
    /// - Cost: three passes over the map, no recursion.
    public init(of map: LocationMap, imageWidth: Int, imageHeight: Int, attributes: ImageAttributes?) {
        precondition(map.columns > 0 && map.rows > 0 && map.values.count == map.columns * map.rows, "a value for each patch")
        var sum = 0.0, magnitude = 0.0
        for value in map.values {
            magnitude += abs(Double(value))
            if value > 0 { sum += Double(value) }
        }
        self.init(method: map.method, regions: [])
        guard sum > 0, magnitude.isFinite, sum >= magnitude * RegionRule.limitBalance else { return }
        let limit = sum * RegionRule.limitConcentration / Double(map.values.count)
        var clusters = Cluster.all(in: map, from: limit)
        clusters.removeAll { $0.sum < sum * RegionRule.limitShare }
        // The order of the patches decides between equal ones: the same on every machine.
        clusters.sort { $0.sum > $1.sum || ($0.sum == $1.sum && $0.first < $1.first) }
        for cluster in clusters.prefix(RegionRule.limitCount) {
            let box = cluster.box(in: map)
            regions.append(
                FindingRegion(
                    box: box, share: Float((cluster.sum / sum * 1000).rounded() / 1000), millimetres: attributes?.millimetres(of: box),
                    side: attributes?.side(of: box, imageWidth: imageWidth, imageHeight: imageHeight)))
        }
    }
}

/// Patches that touch.
private struct Cluster {
    /// Index of the first patch.
    var first: Int
    var sum = 0.0
    var left: Int, right: Int, top: Int, bottom: Int

    /// Those of the patches whose value is at least `limit`, which is positive.
    static func all(in map: LocationMap, from limit: Double) -> [Cluster] {
        var isLeft = map.values.map { Double($0) >= limit }
        var clusters: [Cluster] = []
        // Each patch enters once, when it is taken off `isLeft`.
        var waiting: [Int] = []
        for start in map.values.indices where isLeft[start] {
            isLeft[start] = false
            waiting.append(start)
            var cluster = Cluster(first: start, left: .max, right: 0, top: .max, bottom: 0)
            while let patch = waiting.popLast() {
                let (x, y) = (patch % map.columns, patch / map.columns)
                cluster.sum += Double(map.values[patch])
                cluster.left = min(cluster.left, x)
                cluster.right = max(cluster.right, x)
                cluster.top = min(cluster.top, y)
                cluster.bottom = max(cluster.bottom, y)
                for row in max(y - 1, 0)...min(y + 1, map.rows - 1) {
                    for column in max(x - 1, 0)...min(x + 1, map.columns - 1) where isLeft[row * map.columns + column] {
                        isLeft[row * map.columns + column] = false
                        waiting.append(row * map.columns + column)
                    }
                }
            }
            clusters.append(cluster)
        }
        return clusters
    }

    func box(in map: LocationMap) -> PixelRectangle {
        let area = map.area
        func start(_ patch: Int, _ count: Int, _ side: Int) -> Int { patch * side / count }
        func end(_ patch: Int, _ count: Int, _ side: Int) -> Int { ((patch + 1) * side + count - 1) / count }
        let (x, y) = (start(left, map.columns, area.width), start(top, map.rows, area.height))
        return PixelRectangle(
            x: area.x + x, y: area.y + y, width: end(right, map.columns, area.width) - x, height: end(bottom, map.rows, area.height) - y)
    }
}
