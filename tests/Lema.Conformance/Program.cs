using System.Reflection;
using Lema.Conformance;

ISuite[] suites = [.. Assembly.GetExecutingAssembly().GetTypes()
    .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(ISuite)))
    .Select(type => (ISuite)Activator.CreateInstance(type)!)
    .OrderBy(suite => suite.Name, StringComparer.Ordinal)];

if (args.Length != 2 || suites.FirstOrDefault(suite => suite.Name == args[0]) is not { } chosen)
{
    Console.Error.WriteLine($"usage: conformance {string.Join('|', suites.Select(suite => suite.Name))} DIR");
    return 2;
}
if (!Directory.Exists(args[1]))
{
    Console.Error.WriteLine($"{args[1]}: no such folder");
    return 2;
}

int passed = 0, failed = 0;
foreach (CaseResult result in chosen.Run(Path.GetFullPath(args[1])))
{
    if (result.Passed) passed++;
    else failed++;
    Console.WriteLine($"{(result.Passed ? "ok" : "not ok")} {result.Case} {result.Detail}");
}
Console.WriteLine($"{passed} passed, {failed} failed");
return failed == 0 && passed > 0 ? 0 : 1;
