-- What an agent says it is. Whoever says nothing known is taken for a person: a doubt must not retire a system.
-- Order matters: scanners name themselves after browsers and tools, monitors after libraries.
select
    agent,
    case
        when matches(name, 'nmap|masscan|zgrab|nikto|sqlmap|nessus|openvas|acunetix|netsparker|w3af|dirbuster|gobuster|wpscan|nuclei|arachni|appscan|webinspect|qualys|whatweb|fimap|havij|zoomeye|censys|shodan|expanse|internet-measurement|l9explore|jndi:')
            then 'scanner'
        when matches(name, 'zabbix|nagios|check_http|prometheus|blackbox|kube-probe|uptime|pingdom|site24x7|statuscake|monit/|icinga|sensu|datadog|newrelic|health|elb-|googlehc|haproxy|keepalived|gatus|observium|cacti|prtg|cloudmonitor|monitor')
            then 'monitor'
        when matches(name, 'spider|crawler|bot[/; )-]|bot$|slurp|archiver|feedfetcher|feedburner|bingpreview|mediapartners|ia_archiver|scrapy|heritrix|nutch')
            then 'search_bot'
        when name in ('', '-') or matches(name, 'curl|wget|python|java/|okhttp|httpclient|go-http|libwww|perl|php/|guzzle|ruby|axios|node-fetch|node.js|postman|insomnia|aiohttp|httpx|powershell|winhttp|restsharp|apachebench|jmeter|lua-resty|feign|axis/|gsoap|cfnetwork-script|urllib|rest-client|libcurl|headlesschrome|phantomjs|selenium')
            then 'script'
        else 'human'
    end as agent_class
from (select distinct agent, lower(agent) as name from settled) as named
