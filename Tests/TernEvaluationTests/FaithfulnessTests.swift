import Testing

@testable import TernEvaluation

/// Values by scipy.stats.spearmanr 1.17.1.
@Test func rankCorrelationsAreThoseOfSciPy() {
    let golden: [([Float], [Float], Double)] = [
        ([4.08, -5.11, 0.84, -1.14, -0.91, -0.43, -4.04], [1.81, -3.42, 3.74, -0.34, -0.81, -0.5, -2.69], 0.8571428571428573),
        ([-2.0, -1.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 1.0, -1.0, 0.0, 1.0], [1.0, -1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 0.0, -3.0, 2.0], 0.3694261315113739),
        ([-2.0, -3.0, 1.0, 1.0, -1.0, -2.0, 0.0, 0.0, 3.0], [0.0, -1.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0], 0.7127537499150096),
    ]
    for (first, second, expected) in golden {
        let found = rankCorrelation(first, second)
        #expect(found.map { ($0 - expected).magnitude < 1e-12 } == true, "\(first) against \(second): \(String(describing: found))")
    }
    #expect(rankCorrelation([1, 2, 3], [3, 2, 1]) == -1)
}

@Test func aRankCorrelationIsUndefinedWithoutAnOrder() {
    #expect(rankCorrelation([1, 1, 1], [1, 2, 3]) == nil)
    #expect(rankCorrelation([1], [1]) == nil)
    #expect(rankCorrelation([1, 2], [1, 2, 3]) == nil)
    #expect(rankCorrelation([1, .nan], [1, 2]) == nil)
}

private let grid = PatchGrid(columns: 2, rows: 2, channels: 2, height: 4, width: 6)

@Test func aGridThatDoesNotDivideTheImageIsNone() {
    #expect(PatchGrid(columns: 2, rows: 3, channels: 1, height: 4, width: 4) == nil)
    #expect(PatchGrid(columns: 0, rows: 1, channels: 1, height: 4, width: 4) == nil)
}

@Test func aPatchIsCopiedInEveryChannelAndNothingElse() throws {
    let grid = try #require(grid)
    var image = [Float](repeating: 0, count: 48)
    grid.copy(1, from: (0..<48).map { Float($0) + 1 }, into: &image)
    let changed = image.indices.filter { image[$0] != 0 }
    #expect(changed == [3, 4, 5, 9, 10, 11, 27, 28, 29, 33, 34, 35])
}

@Test func absenceKeepsWhatItSays() throws {
    let grid = try #require(grid)
    let image = (0..<48).map { Float($0) }
    #expect(Absence.zero.image(of: image, grid) == [Float](repeating: 0, count: 48))
    #expect(Absence.mean.image(of: image, grid) == [Float](repeating: 11.5, count: 24) + [Float](repeating: 35.5, count: 24))
    let flat = Absence.blur.image(of: [Float](repeating: 3, count: 48), grid)
    #expect(flat.allSatisfy { ($0 - 3).magnitude < 1e-5 })
    // scipy.ndimage.gaussian_filter, deviations of 2 rows and 3 columns, mode nearest, truncated at 3 deviations.
    let blurred = Absence.blur.image(of: image, grid)
    let expected: [Float] = [
        5.48863, 5.98995, 6.56250, 7.16091, 7.73346, 8.23478, 8.47062, 8.97194, 9.54449, 10.14290, 10.71545, 11.21677,
        11.78323, 12.28455, 12.85710, 13.45551, 14.02806, 14.52938, 14.76522, 15.26654, 15.83909, 16.43750, 17.01005, 17.51137,
        29.48863, 29.98995, 30.56250, 31.16091, 31.73346, 32.23478, 32.47062, 32.97194, 33.54449, 34.14290, 34.71545, 35.21677,
        35.78323, 36.28455, 36.85710, 37.45551, 38.02806, 38.52938, 38.76522, 39.26654, 39.83909, 40.43750, 41.01005, 41.51137,
    ]
    for (found, value) in zip(blurred, expected) { #expect((found - value).magnitude < 1e-4) }
}

@Test func curvesBeginAndEndWhereTheyShould() throws {
    let grid = try #require(grid)
    let perturbation = Perturbation(grid: grid, steps: 64)
    #expect(perturbation.counts == [0, 1, 2, 3, 4] && Perturbation(grid: grid, steps: 2).counts == [0, 2, 4])
    let (start, end) = ([Float](repeating: 0, count: 48), [Float](repeating: 1, count: 48))
    var walk = perturbation.walk(from: start, to: end, order: [3, 0, 2, 1])
    var images: [[Float]] = []
    while let image = walk.next() { images.append(image) }
    #expect(images.map { $0.reduce(0, +) } == [0, 12, 24, 36, 48])
    #expect(images.first == start && images.last == end)
    #expect(images[1][47] == 1 && images[1][0] == 0)
}

@Test func areasAreThoseOfTrapezia() throws {
    let grid = try #require(grid)
    #expect(Perturbation(grid: grid, steps: 4).area([1, 1, 0, 0, 0]) == 0.375)
    #expect(Perturbation(grid: grid, steps: 2).area([0, 0.5, 1]) == 0.5)
    #expect(Perturbation(grid: grid, steps: 3).area([1, 1, 1, 1]) == 1)
}

@Test func ordersFallAndAreTheSameAgain() {
    #expect(Perturbation.order(by: [0.5, -1, 2, 0.5]) == [2, 0, 3, 1])
    let first = Perturbation.randomOrder(count: 49, seed: 1, image: 0)
    #expect(first == Perturbation.randomOrder(count: 49, seed: 1, image: 0) && first.sorted() == Array(0..<49))
    #expect(first != Perturbation.randomOrder(count: 49, seed: 2, image: 0) && first != Perturbation.randomOrder(count: 49, seed: 1, image: 1))
}

/// Cases whose own map is as good as can be and whose random order does nothing.
private func cases(shuffled: [[Double?]], count: Int = 40) -> [MapCase] {
    (0..<count).map { _ in
        MapCase(
            own: MapCurves(deletion: [1, 0, 0, 0, 0], insertion: [0, 1, 1, 1, 1]), random: [MapCurves(deletion: [1, 1, 1, 0, 0], insertion: [0, 0, 0, 1, 1])],
            others: [MapCurves(deletion: [1, 1, 1, 1, 0], insertion: [0, 0, 0, 0, 1])], correlations: [nil], shuffled: shuffled, gap: -1e-7)
    }
}

private func figures(_ cases: [MapCase], stages: [String]) throws -> Faithfulness {
    let grid = try #require(PatchGrid(columns: 2, rows: 2, channels: 1, height: 4, width: 4))
    return Faithfulness(
        cases, perturbation: Perturbation(grid: grid, steps: 4), own: "map", others: ["edges"], stages: stages, resamples: 100)
}

@Test func figuresSayWhichOrderIsBetter() throws {
    let found = try figures(cases(shuffled: []), stages: [])
    #expect(found.methods.map(\.name) == ["map", "random order", "edges"])
    #expect(found.methods[0].deletion.value == 0.125 && found.methods[0].insertion.value == 0.875)
    #expect(found.methods[0].deletionLessRandom?.value == -0.5 && found.methods[0].insertionLessRandom?.value == 0.5)
    #expect(found.methods[0].deletionBetter?.value == 1 && found.methods[2].insertionBetter?.value == 0)
    #expect(found.methods[1].deletionLessRandom == nil && found.methods[2].rankCorrelation == nil)
    #expect(found.largestGap == 1e-7 && found.changesWithWeights == nil && found.shares == [0, 0.25, 0.5, 0.75, 1])
}

@Test func aMapThatDoesNotChangeWithTheWeightsFails() throws {
    #expect(try figures(cases(shuffled: [[1], [1, 1]]), stages: ["head", "all weights"]).changesWithWeights == false)
    // The reverse of a map is the map.
    #expect(try figures(cases(shuffled: [[-0.9]]), stages: ["all weights"]).changesWithWeights == false)
    // Nothing defined is nothing shown.
    #expect(try figures(cases(shuffled: [[nil]]), stages: ["all weights"]).changesWithWeights == false)
    #expect(try figures(cases(shuffled: [[1], [0.1, -0.2]]), stages: ["head", "all weights"]).changesWithWeights == true)
}
