<?php
$request = curl_init('https://hooks.example.com/v1/accounts/acme/events');
curl_setopt_array($request, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ['authorization: Bearer ' . getenv('POSTHORN_API_KEY'), 'content-type: application/json'],
    CURLOPT_POSTFIELDS => json_encode(['event' => 'message:created', 'payload' => ['id' => 'm_1', 'body' => 'Hello']]),
]);
echo curl_exec($request);
