namespace Lema.Bench;

internal interface IBenchmark
{
    string Name { get; }

    BenchReport Run(BenchOptions options);
}
