/// What depends on what, by number; neither order nor cycles cost the stack.
struct DependencyGraph {
    /// For every vertex those that it depends on.
    let edges: [[Int]]

    /// All vertices that are on no cycle and depend on none, each after what it depends on; and those left over.
    func sorted() -> (order: [Int], rest: Set<Int>) {
        var waiting = self.edges.map(\.count)
        let dependents = self.dependents()
        var order = waiting.indices.filter { waiting[$0] == 0 }
        var next = 0
        while next < order.count {
            for dependent in dependents[order[next]] {
                waiting[dependent] -= 1
                if waiting[dependent] == 0 { order.append(dependent) }
            }
            next += 1
        }
        return (order, Set(waiting.indices.filter { waiting[$0] > 0 }))
    }

    /// Disjoint cycles among the vertices that `sorted` left over; where there are vertices left, at least one.
    func cycles(among rest: Set<Int>) -> [[Int]] {
        var cycles: [[Int]] = []
        var seen = Set<Int>()
        for start in rest.sorted() where !seen.contains(start) {
            var path: [Int] = []
            var placeInPath: [Int: Int] = [:]
            var vertex: Int? = start
            while let current = vertex, seen.insert(current).inserted {
                placeInPath[current] = path.count
                path.append(current)
                // Whatever is left over depends on something left over.
                vertex = self.edges[current].first(where: rest.contains)
            }
            if let closing = vertex, let place = placeInPath[closing] { cycles.append(Array(path[place...])) }
        }
        return cycles
    }

    private func dependents() -> [[Int]] {
        var dependents = [[Int]](repeating: [], count: self.edges.count)
        for (vertex, dependencies) in self.edges.enumerated() {
            for dependency in dependencies { dependents[dependency].append(vertex) }
        }
        return dependents
    }
}
