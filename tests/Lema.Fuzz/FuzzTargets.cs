using Lema.Fuzz.Targets;

namespace Lema.Fuzz;

public static class FuzzTargets
{
    public static IReadOnlyList<string> Names { get; } = [.. All().Select(target => target.Name)];

    public static IFuzzTarget Find(string name) => All().Single(target => target.Name == name);

    private static IEnumerable<IFuzzTarget> All() => [new SafetensorsTarget(), new ManifestTarget(), new IndexTarget(), new ConfigTarget(), new DatasetTarget()];
}
