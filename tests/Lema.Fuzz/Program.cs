using System.Globalization;
using Lema.Fuzz;
using Lema.Testing;

if (args.Length is < 1 or > 2 || !FuzzTargets.Names.Contains(args[0]))
{
    Console.Error.WriteLine($"usage: tests/fuzz {string.Join('|', FuzzTargets.Names)} [SECONDS]");
    return 2;
}
TimeSpan time = TimeSpan.FromSeconds(args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 60);
FuzzReport report = Fuzzer.Run(FuzzTargets.Find(args[0]), Trial.Seed, time);
Console.WriteLine($"{args[0]}: {report.Inputs:N0} inputs in {time.TotalSeconds:N0} s, {report.Outcomes} outcomes, {report.Corpus} inputs kept, seed {Trial.Seed}");
if (report.Finding is not { } finding) return 0;
string file = Path.GetFullPath($"fuzz-{finding.Target}-{finding.Seed}.bin");
File.WriteAllBytes(file, finding.Input);
Console.WriteLine($"FAILED: {finding.Problem}; LEMA_TEST_SEED={finding.Seed}; the input is in {file}");
return 1;
