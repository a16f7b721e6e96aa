using Lema.Web.Hosting;

return await DashboardProgram.RunAsync(args);
