namespace Lema.Web.Clients;

public static class ClientRegistration
{
    public static IServiceCollection AddDaemonClients(this IServiceCollection services) =>
        services.AddSingleton<ConnectionPool>().AddScoped<UserDaemons>();
}
